# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.localization.frames import BasePose, base_pose, map_from_odom, worst_deviations

numbers = st.floats(-3, 3, allow_nan=False)
poses = st.lists(numbers, min_size=6, max_size=6).map(
    lambda six: rigid(rotation_from_vector(six[:3]), np.array(six[3:]) * 100)
)


@given(poses, poses)
def test_map_from_odom_times_odometry_is_the_measured_pose(
    map_from_base: np.ndarray, odom_from_base: np.ndarray
) -> None:
    drift = map_from_odom(map_from_base, odom_from_base)
    np.testing.assert_allclose(drift @ odom_from_base, map_from_base, atol=1e-9)


def test_map_from_odom_is_the_offset_of_the_odom_frame() -> None:
    # The robot drove 5 m along odom's x, which points to the map's y, from a start at (10, 20).
    quarter_turn = rotation_from_vector([0, 0, np.pi / 2])
    drift = map_from_odom(rigid(quarter_turn, [10, 25, 0]), rigid(np.eye(3), [5, 0, 0]))
    np.testing.assert_allclose(drift, rigid(quarter_turn, [10, 20, 0]), atol=1e-12)


@given(poses, poses)
def test_base_pose_and_extrinsics_give_back_the_camera(map_from_cam: np.ndarray, base_from_cam: np.ndarray) -> None:
    pose = base_pose(BasePose(map_from_cam, np.eye(6)), base_from_cam)
    np.testing.assert_allclose(pose.map_from_base @ base_from_cam, map_from_cam, atol=1e-9)


def test_base_covariance_agrees_with_sampled_camera_poses() -> None:
    generator = np.random.default_rng(0)
    map_from_cam = rigid(rotation_from_vector([0.3, -1.2, 0.5]), [4.0, 5.0, 6.0])
    base_from_cam = rigid(rotation_from_vector([-1.2, 1.2, -1.2]), [1.5, 0.2, 0.8])
    root = generator.normal(size=(6, 6)) * 0.004
    covariance = root @ root.T
    pose = base_pose(BasePose(map_from_cam, covariance), base_from_cam)
    samples = []
    for delta in generator.multivariate_normal(np.zeros(6), covariance, size=20000):
        moved = rigid(rotation_from_vector(delta[3:]) @ map_from_cam[:3, :3], map_from_cam[:3, 3] + delta[:3])
        base = moved @ inverse(base_from_cam)
        turn = rigid(base[:3, :3] @ pose.map_from_base[:3, :3].T, [0, 0, 0])
        samples.append([*(base[:3, 3] - pose.map_from_base[:3, 3]), *vector_from_rotation(turn)])
    sampled = np.cov(np.array(samples).T)
    assert np.abs(sampled - pose.covariance).max() < 0.04 * np.abs(pose.covariance).max()


def test_the_least_certain_axis_counts_whatever_its_direction() -> None:
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ np.diag([0.01, 0.04, 0.25]) @ turn.T
    covariance[3:, 3:] = turn @ np.diag([1e-4, 4e-4, 1e-6]) @ turn.T
    assert worst_deviations(covariance) == pytest.approx((0.5, 0.02))
    assert worst_deviations(np.zeros((6, 6))) == (0, 0)
