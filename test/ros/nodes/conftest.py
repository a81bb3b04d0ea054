# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node that listens to nodes under test, and calls that wait for conditions instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.feature_driver import Driver, image_of, street

from sfd2_lab.bench.demo.node_process import NodeProcess

TIMEOUT_S = 20.0


class Probe:
    """A node of the test: publishes, listens, calls services."""

    def __init__(self, name: str) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.node = rclpy.create_node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def listen(self, kind: Any, topic: str, qos: Any) -> list[Any]:
        """Return a list that fills with the messages of a topic."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def until(self, condition: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
        """Handle messages until a condition holds, and return it; fail after the timeout."""
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "condition did not come true in time"
            self._executor.spin_once(timeout_sec=0.05)
        return found

    def handle_for(self, seconds: float) -> None:
        """Handle messages for a while, to see that something does not come."""
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=remaining)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(kind, name)
        self.until(client.service_is_ready)
        future = client.call_async(request)
        self.until(future.done)
        self.node.destroy_client(client)
        return future.result()

    def set_parameter(self, node: str, name: str, value: Any) -> Any:
        """Set a parameter as `ros2 param set` does, and return the node's answer."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        return self.call(SetParameters, f"{node}/set_parameters", request).results[0]

    def now_ns(self) -> int:
        """Return the time of the node's clock."""
        return int(self.node.get_clock().now().nanoseconds)

    def close(self) -> None:
        """Leave the network."""
        self._executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def probe(rclpy_running: None, request: pytest.FixtureRequest) -> Iterator[Probe]:
    """Return a node of this test alone."""
    probe = Probe(f"probe_{abs(hash(request.node.nodeid))}")
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def start_node(ros_domain: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a call that starts a node, under a name or its own; every one is ended after the module's tests."""
    started: list[NodeProcess] = []
    folder = tmp_path_factory.mktemp("nodes")

    def start(
        executable: str, name: str | None, *, arguments: tuple[str, ...] = (), log: str = "", **parameters: Any
    ) -> NodeProcess:
        log_file: Path = folder / f"{log or name or executable}.log"
        renamed = ("-r", f"__node:={name}") if name else ()
        node = NodeProcess(executable, parameters, log=log_file, arguments=(*renamed, *arguments))
        started.append(node)
        return node

    yield start
    for node in started:
        node.stop()


@pytest.fixture(scope="module")
def feature_node(start_node: Any) -> Any:
    return start_node(
        "feature_node", "features_under_test", cameras=["front"], device="cpu", image_reliability="reliable",
        camera_info_timeout_s=0.3, diagnostics_period_s=0.2,
    )  # fmt: skip


@pytest.fixture
def driver(probe: Any, feature_node: Any) -> Driver:
    driver = Driver(probe, feature_node)

    def is_heard() -> bool:
        driver.send_info()
        return bool(driver.answer(image_of(street(), driver)).status == "ok")

    probe.until(is_heard, 40.0)  # discovery is over in both directions once the node has answered with features
    return driver
