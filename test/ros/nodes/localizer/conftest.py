# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A robot of the tests: sends features and transforms to a localizer_node and hears what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, Features

BASE_FROM_CAM = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.5, 0.1, 1.2])
ODOM_FROM_BASE = rigid(rotation_from_vector([0, 0, 0.7]), [30.0, -4.0, 0.5])
MS = 1_000_000


class Robot:
    """The robot of the tests: sends features and transforms, hears what the localizer says."""

    odom_from_base, base_from_cam = ODOM_FROM_BASE, BASE_FROM_CAM

    def __init__(
        self, probe: Any, node: Any, name: str, *, tf: tuple[str, str] = ("/tf", "/tf_static"), frames: str = ""
    ) -> None:
        """Connect to a node.

        Args:
            probe: talks and listens.
            node: process of the localizer.
            name: of the localizer and of its camera, with its namespace.
            tf: topics of transforms.
            frames: prefix of the frames' names; by default the name.
        """
        from geometry_msgs.msg import PoseWithCovarianceStamped
        from nav_msgs.msg import Odometry
        from nav_msgs.msg import Path as PathMessage
        from sfd2_ros.msg import LocalFeatures, LocalizationStatus
        from tf2_msgs.msg import TFMessage

        from sfd2_ros.ros.qos import newest_only, reliable, static_transforms, transforms

        self.probe, self.name, self.process = probe, name, node
        self.frames, namespace = frames or name, name.rpartition("/")[0]
        self._last_ns = 0
        self.statuses = probe.listen(LocalizationStatus, f"{name}/status", reliable(50))
        self.poses = probe.listen(PoseWithCovarianceStamped, f"{name}/pose", reliable())
        self.odometry = probe.listen(Odometry, f"{name}/odometry", reliable())
        self.paths = probe.listen(PathMessage, f"{name}/path", reliable())
        self.heard_tf = probe.listen(TFMessage, tf[0], transforms())
        self._features = probe.node.create_publisher(LocalFeatures, f"{name}/features", newest_only("reliable"))
        self._tf = probe.node.create_publisher(TFMessage, tf[0], transforms())
        self._static_tf = probe.node.create_publisher(TFMessage, tf[1], static_transforms())
        hints = f"{namespace}/initialpose" if namespace else "initialpose"
        self.hints = probe.node.create_publisher(PoseWithCovarianceStamped, hints, reliable())

        def is_discovered() -> bool:
            node.check()
            ours = (self._features, self._static_tf, self.hints)
            listened = all(publisher.get_subscription_count() > 0 for publisher in ours)
            return (
                listened and self._tf.get_subscription_count() > 1 and probe.node.count_publishers(f"{name}/status") > 0
            )

        probe.until(is_discovered, 60.0)
        self.mount()

    def send_transform(
        self, parent: str, child: str, matrix: np.ndarray, stamp_ns: int, *, static: bool = False
    ) -> None:
        from tf2_msgs.msg import TFMessage

        from sfd2_ros.ros.conversions.poses import transform_message

        message = TFMessage(transforms=[transform_message(stamp_ns, parent, child, matrix)])
        (self._static_tf if static else self._tf).publish(message)

    def mount(self) -> None:
        self.send_transform(
            f"{self.frames}_base", f"{self.frames}_cam", BASE_FROM_CAM, self.probe.now_ns(), static=True
        )

    def odometry_around(self, stamp_ns: int, matrix: np.ndarray = ODOM_FROM_BASE) -> None:
        """Send odometry 20 ms before and after a time, 2 m apart, so that it must be interpolated."""
        for sign in (-1, 1):
            sample = matrix @ rigid(np.eye(3), [sign * 1.0, 0, 0])
            self.send_transform(f"{self.frames}_odom", f"{self.frames}_base", sample, stamp_ns + sign * 20 * MS)

    def send_features(self, features: Features, camera: Camera, stamp_ns: int, **changes: Any) -> None:
        from sfd2_ros.ros.conversions.features import message_from_features
        from sfd2_ros.ros.conversions.poses import header_at

        message = message_from_features(features, camera, header_at(stamp_ns, f"{self.frames}_cam"))
        for field, value in changes.items():
            setattr(message, field, value)
        self._features.publish(message)

    def status_at(self, stamp_ns: int) -> Any:
        from sfd2_ros.bags.read_poses import stamp_ns as ns

        return self.probe.until(lambda: next((s for s in self.statuses if ns(s.header.stamp) == stamp_ns), None))

    def frame(self, features: Features, camera: Camera, *, with_odometry: bool = True, **changes: Any) -> Any:
        """Send one frame with odometry around it and return its status."""
        # The odometry around a frame must not lie among that of the frame before: the robot would seem to jump.
        self.probe.handle_for(max(0.0, (self._last_ns + 50 * MS - self.probe.now_ns()) / 1e9))
        stamp_ns = self._last_ns = self.probe.now_ns()
        if with_odometry:
            self.odometry_around(stamp_ns)
        self.send_features(features, camera, stamp_ns, **changes)
        return self.status_at(stamp_ns)

    def broadcasts(self, parent: str = "map") -> list[Any]:
        return [edge for message in self.heard_tf for edge in message.transforms if edge.header.frame_id == parent]


def parameters(name: str, map_: Path, **others: Any) -> dict[str, Any]:
    """Return parameters that keep the frames of one test's robot apart from those of others."""
    frames = {"odom_frame": f"{name}_odom", "base_frame": f"{name}_base", "map_frame": f"{name}_map"}
    return {"map": str(map_), "cameras": [name], "device": "cpu", "transform_timeout_s": 0.4, **frames, **others}


@pytest.fixture(scope="module")
def node(start_node: Any, small_map: Path) -> Any:
    return start_node("localizer_node", "robot", **parameters("robot", small_map, hint_duration_s=2.0))


@pytest.fixture
def robot(probe: Any, node: Any) -> Robot:
    """Return the robot, with the node as if it had just been started."""
    return Robot(probe, node, "robot")


@pytest.fixture
def make_robot(probe: Any, start_node: Any, small_map: Path) -> Callable[..., Robot]:
    """Return a call (name, parameters) that starts a localizer of its own for another robot."""

    def make(name: str, **others: Any) -> Robot:
        return Robot(probe, start_node("localizer_node", name, **parameters(name, small_map, **others)), name)

    return make


@pytest.fixture
def make_walker(probe: Any, start_node: Any, random_place: Any) -> Callable[..., Robot]:
    """Return a call (name, parameters) that starts a localizer in the place of random points, without photographs."""

    def make(name: str, **others: Any) -> Robot:
        settings = parameters(name, random_place.map_folder, **others)
        return Robot(probe, start_node("localizer_node", name, **settings), name)

    return make


@pytest.fixture
def start_namespaced(probe: Any, start_node: Any, random_place: Any) -> Callable[..., Callable[[], Robot]]:
    """Return a call that starts a localizer called "localizer" in a namespace and returns a call to connect to it."""

    def start(namespace: str, *, frames: str, has_own_tf: bool = False) -> Callable[[], Robot]:
        settings = {**parameters(frames, random_place.map_folder), "cameras": ["localizer"], "map_frame": "map"}
        own = ("-r", "/tf:=tf", "-r", "/tf_static:=tf_static") if has_own_tf else ()
        arguments = ("-r", "__node:=localizer", "-r", f"__ns:=/{namespace}", *own)
        node = start_node("localizer_node", None, arguments=arguments, log=namespace, **settings)
        tf = (f"/{namespace}/tf", f"/{namespace}/tf_static") if has_own_tf else ("/tf", "/tf_static")
        return lambda: Robot(probe, node, f"{namespace}/localizer", tf=tf, frames=frames)

    return start


@pytest.fixture
def query(drive: Any, query_features: Features) -> tuple[Features, Camera, np.ndarray]:
    """Return features, camera and true map_from_base of a frame that is not in the map."""
    _, camera, map_from_cam = drive[5]
    return query_features, camera, map_from_cam @ inverse(BASE_FROM_CAM)
