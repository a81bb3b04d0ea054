# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.errors import MessageError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.localization.frames import BasePose

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
POSE = rigid(rotation_from_vector([0.3, -0.7, 2.9]), [1.0, -2.0, 3.0])


def test_transform_message_names_parent_and_child_and_survives() -> None:
    from sfd2_ros.bags.read_poses import matrix_from_transform, stamp_ns
    from sfd2_ros.ros.conversions.poses import transform_message

    message = transform_message(1_700_000_000_123_456_789, "map", "odom", POSE)
    assert (message.header.frame_id, message.child_frame_id) == ("map", "odom")
    assert stamp_ns(message.header.stamp) == 1_700_000_000_123_456_789
    np.testing.assert_allclose(matrix_from_transform(message.transform), POSE, atol=1e-12)


def test_quaternion_order_is_x_y_z_w() -> None:
    from sfd2_ros.ros.conversions.poses import pose_message

    rotation = pose_message(rigid(rotation_from_vector([0, 0, np.pi / 2]), [0, 0, 0])).orientation
    assert (rotation.z, rotation.w) == pytest.approx((np.sqrt(0.5), np.sqrt(0.5)))


def test_covariance_is_written_row_by_row() -> None:
    from sfd2_ros.ros.conversions.poses import header_at, odometry_message, pose_with_covariance_message

    covariance = np.arange(36.0).reshape(6, 6)
    message = pose_with_covariance_message(header_at(5, "map"), BasePose(POSE, covariance))
    assert list(message.pose.covariance) == list(range(36))
    odometry = odometry_message(header_at(5, "map"), "base_link", BasePose(POSE, covariance))
    assert list(odometry.pose.covariance) == list(range(36))
    assert odometry.twist.covariance[0] == -1.0


def test_transforms_that_are_no_rotation_or_not_finite_are_refused() -> None:
    from geometry_msgs.msg import Pose, Transform

    from sfd2_ros.bags.read_poses import matrix_from_pose, matrix_from_transform

    broken = Transform()
    broken.rotation.w = 0.0
    with pytest.raises(MessageError, match="no rotation"):
        matrix_from_transform(broken)
    lost = Pose()
    lost.position.x = float("nan")
    with pytest.raises(MessageError, match="not finite"):
        matrix_from_pose(lost)
