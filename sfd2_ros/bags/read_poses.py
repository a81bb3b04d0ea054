# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps, transforms and poses of messages, of rclpy or of a bag that is read without ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.errors import MessageError
from sfd2_ros.core.transforms import rigid_from_quaternion

if TYPE_CHECKING:
    from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


def stamp_ns(stamp: Any) -> int:
    """Return the nanoseconds of a builtin_interfaces/Time."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def matrix_from_transform(transform: Any) -> NDArray[np.float64]:
    """Return parent_from_child of a geometry_msgs/Transform.

    Raises:
        MessageError: numbers that are not finite, or a quaternion that is no rotation.
    """
    return _matrix(transform.translation, transform.rotation)


def matrix_from_pose(pose: Any) -> NDArray[np.float64]:
    """Return frame_from_body of a geometry_msgs/Pose.

    Raises:
        MessageError: numbers that are not finite, or a quaternion that is no rotation.
    """
    return _matrix(pose.position, pose.orientation)


def _matrix(position: Any, rotation: Any) -> NDArray[np.float64]:
    translation = np.array([position.x, position.y, position.z])
    if not np.all(np.isfinite(translation)):
        raise MessageError(f"translation {translation.tolist()} is not finite")
    try:
        return rigid_from_quaternion([rotation.x, rotation.y, rotation.z, rotation.w], translation)
    except ValueError as err:
        raise MessageError(str(err)) from err
