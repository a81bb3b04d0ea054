# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses and times to messages, and a hint out of one: quaternions x, y, z, w; covariances x, y, z, rotX, rotY, rotZ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped, PoseWithCovarianceStamped, Quaternion, TransformStamped
from nav_msgs.msg import Odometry
from std_msgs.msg import Header

from sfd2_ros.bags.read_poses import NS_PER_S, matrix_from_pose
from sfd2_ros.core.errors import MessageError
from sfd2_ros.core.transforms import quaternion_xyzw
from sfd2_ros.localization.hint import PlaceHint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.localization.frames import BasePose


def header_at(time_ns: int, frame_id: str) -> Header:
    """Make a header of a time in nanoseconds."""
    header = Header(frame_id=frame_id)
    header.stamp.sec, header.stamp.nanosec = divmod(time_ns, NS_PER_S)
    return header


def transform_message(
    time_ns: int, parent: str, child: str, parent_from_child: NDArray[np.float64]
) -> TransformStamped:
    """Make the transform of TF's edge from parent to child."""
    message = TransformStamped(header=header_at(time_ns, parent), child_frame_id=child)
    translation = message.transform.translation
    translation.x, translation.y, translation.z = parent_from_child[:3, 3].tolist()
    message.transform.rotation = _quaternion(parent_from_child)
    return message


def pose_message(frame_from_body: NDArray[np.float64]) -> Pose:
    """Make the pose of a body in a frame."""
    message = Pose(orientation=_quaternion(frame_from_body))
    message.position.x, message.position.y, message.position.z = frame_from_body[:3, 3].tolist()
    return message


def pose_stamped_message(header: Header, frame_from_body: NDArray[np.float64]) -> PoseStamped:
    """Make a stamped pose."""
    return PoseStamped(header=header, pose=pose_message(frame_from_body))


def pose_with_covariance_message(header: Header, pose: BasePose) -> PoseWithCovarianceStamped:
    """Make the pose of the base in the map, with its covariance."""
    message = PoseWithCovarianceStamped(header=header)
    message.pose.pose = pose_message(pose.map_from_base)
    message.pose.covariance = pose.covariance.ravel().tolist()
    return message


def odometry_message(header: Header, child: str, pose: BasePose) -> Odometry:
    """Make the same pose as odometry; the velocity is not measured, which a negative variance says."""
    message = Odometry(header=header, child_frame_id=child)
    message.pose.pose = pose_message(pose.map_from_base)
    message.pose.covariance = pose.covariance.ravel().tolist()
    message.twist.covariance = [-1.0, *[0.0] * 35]
    return message


def _quaternion(a_from_b: NDArray[np.float64]) -> Quaternion:
    x, y, z, w = quaternion_xyzw(a_from_b).tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def hint_from_message(message: PoseWithCovarianceStamped, map_frame: str) -> PlaceHint:
    """Read an initial pose as a hint.

    Raises:
        MessageError: another frame than the map's, numbers that are not finite, or a covariance that says nothing.
    """
    if message.header.frame_id.lstrip("/") != map_frame:
        raise MessageError(f"the pose is in frame {message.header.frame_id!r}; it must be in the map's, {map_frame!r}")
    variances = np.asarray(message.pose.covariance).reshape(6, 6).diagonal().copy()
    try:
        return PlaceHint(matrix_from_pose(message.pose.pose), variances)
    except ValueError as err:
        raise MessageError(str(err)) from err
