# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of ROS parts share: whether ROS is here, a domain of their own."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ros(skip_without: Callable[[str, str], None]) -> None:
    """Skip unless rclpy and this package's messages can be imported."""
    try:
        for module in ("rclpy", "sfd2_ros.msg", "tf2_msgs.msg"):
            importlib.import_module(module)
    except ImportError as err:
        skip_without("ros", f"ROS cannot be imported ({err}); run `make setup` and use its python")


@pytest.fixture(scope="session")
def domain_id() -> int:
    """Return a ROS domain of our own, so that tests neither hear nor disturb a robot."""
    return 150 + os.getpid() % 80


@pytest.fixture
def rclpy_context(ros: None, domain_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start and stop rclpy in this process, on the domain of the tests and on this machine only."""
    import rclpy

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain_id))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init(args=[], domain_id=domain_id)
    yield rclpy.get_default_context()
    rclpy.shutdown()


_names = itertools.count()


@pytest.fixture
def unique_name() -> str:
    """Return a node name that no other test uses."""
    return f"test_node_{os.getpid()}_{next(_names)}"
