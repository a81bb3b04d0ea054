# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which parts of ROS 2 are here: an installed ROS has them all, one from wheels lacks some, and what is used then."""

from __future__ import annotations

import functools
import importlib
import importlib.util

from sfd2_ros.core.errors import DependencyError

# A part of ROS 2 that the wheels lack, and what does its work where it is not installed.
FALLBACKS = {
    "tf2_ros": "a history of our own over /tf and /tf_static",
    "image_transport": "OpenCV, for sensor_msgs/CompressedImage",
    "bond": "no heartbeat; Nav2's lifecycle manager needs bond_timeout 0",
    "nav2_msgs": "the service ~/relocalize and the topic initialpose",
    "launch": "the executables feature_node and localizer_node, started one by one",
    "launch_ros": "the executables feature_node and localizer_node, started one by one",
}
_REMEDY = (
    "run `make setup` in the checkout and `source .ros/setup.bash`, or source the ROS 2 workspace that sfd2_ros was "
    "built in (source install/setup.bash)"
)


@functools.cache
def has(part: str) -> bool:
    """Return whether a part of ROS 2 is installed.

    Args:
        part: a key of `FALLBACKS`.

    Raises:
        DependencyError: it is installed but cannot be imported; then nothing else silently takes its place.
        KeyError: the part is not one of `FALLBACKS`.
    """
    FALLBACKS[part]
    spec = importlib.util.find_spec(part)
    if spec is None or spec.origin is None:  # a folder named like a part, such as our launch/, is none
        return False
    try:
        importlib.import_module(part)
    except Exception as err:
        raise DependencyError(
            f"{part} is installed but cannot be imported ({type(err).__name__}: {err}); repair it, or remove it and "
            f"{FALLBACKS[part]} is used"
        ) from err
    return True


def fallback(part: str) -> str:
    """Return in words what is used where a part is not installed.

    Raises:
        KeyError: the part is not one of `FALLBACKS`.
    """
    return FALLBACKS[part]


def require_ros() -> None:
    """Check that a node can be made: rclpy, and the messages of this package.

    Raises:
        DependencyError: one of them cannot be imported; the message says what to source.
    """
    _require("rclpy", "ROS 2 (rclpy)")
    _require("sfd2_ros.msg", "the messages of sfd2_ros")


def _require(module: str, what: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as err:
        raise DependencyError(f"{what} cannot be imported ({err}); {_REMEDY}") from err
