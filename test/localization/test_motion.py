# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Predictions: where a robot should be, and that their uncertainty grows as it must."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.localization.frames import BasePose, worst_deviations
from sfd2_ros.localization.motion import Fix, MotionConfig, after, mahalanobis2, predict

CONFIG = MotionConfig()
SURE = np.eye(6) * 1e-8
HERE = rigid(rotation_from_vector([0, 0, 0.5]), [3.0, 4.0, 0.1])
S = 1_000_000_000


def moved_by(metres: float, turn_rad: float = 0.0) -> np.ndarray:
    return rigid(rotation_from_vector([0, 0, turn_rad]), [metres, 0, 0])


def test_odometry_carries_the_last_pose_on() -> None:
    odom = rigid(rotation_from_vector([0, 0, -1.0]), [100.0, 0, 0])
    found = predict(Fix(0, BasePose(HERE, SURE), odom), S, odom @ moved_by(2, 0.3), CONFIG)
    assert found is not None
    np.testing.assert_allclose(found.map_from_base, HERE @ moved_by(2, 0.3), atol=1e-12)


def test_uncertainty_grows_with_way_and_turn_and_not_with_time() -> None:
    fix = Fix(0, BasePose(HERE, SURE), np.eye(4))

    def deviations(metres: float, turn_rad: float = 0.0, stamp_ns: int = S) -> tuple[float, float]:
        found = predict(fix, stamp_ns, moved_by(metres, turn_rad), CONFIG)
        assert found is not None
        return worst_deviations(found.covariance)

    assert deviations(0) == pytest.approx((CONFIG.position_floor_m, CONFIG.rotation_floor_rad), rel=1e-2)
    assert deviations(10)[0] == pytest.approx(CONFIG.position_floor_m + 10 * CONFIG.position_per_m, rel=1e-2)
    assert deviations(0, 1.0)[1] > deviations(0, 0.1)[1] > deviations(0, 0.0)[1]
    assert deviations(0, stamp_ns=1000 * S) == deviations(0)


def test_an_uncertain_heading_becomes_an_uncertain_place_further_on() -> None:
    heading = np.diag([1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 0.01**2])
    found = predict(Fix(0, BasePose(np.eye(4), heading), np.eye(4)), S, moved_by(50), MotionConfig(position_per_m=0.0))
    assert found is not None
    assert np.sqrt(found.covariance[1, 1]) == pytest.approx(50 * 0.01, rel=0.01)


def test_without_odometry_the_last_step_is_repeated_for_the_time_that_passed() -> None:
    first = Fix(0, BasePose(HERE, SURE), None)
    second = after(first, S, BasePose(HERE @ moved_by(1.5, 0.2), SURE), None)
    half = predict(second, S + S // 2, None, CONFIG)
    assert half is not None
    travelled = np.linalg.norm(half.map_from_base[:3, 3] - second.base.map_from_base[:3, 3])
    assert travelled == pytest.approx(0.75)
    later = predict(second, 3 * S, None, CONFIG)
    assert later is not None
    assert worst_deviations(later.covariance)[0] > 2 * worst_deviations(half.covariance)[0]


def test_without_odometry_a_single_fix_says_only_how_far_a_robot_can_have_gone() -> None:
    found = predict(Fix(0, BasePose(HERE, SURE), None), S // 10, None, CONFIG)
    assert found is not None
    np.testing.assert_array_equal(found.map_from_base, HERE)
    assert worst_deviations(found.covariance)[0] == pytest.approx(1.5, rel=1e-2)
    assert predict(Fix(S, BasePose(HERE, SURE), None), S, None, CONFIG) is None


def test_distance_of_agreeing_poses_is_chi_square() -> None:
    generator = np.random.default_rng(0)
    axes = generator.normal(size=(6, 6)) * 0.01
    covariance = axes @ axes.T
    distances = []
    for _ in range(2000):
        error = axes @ generator.normal(size=6)
        pose = rigid(rotation_from_vector(error[3:]) @ HERE[:3, :3], HERE[:3, 3] + error[:3])
        distances.append(mahalanobis2(BasePose(pose, covariance), BasePose(HERE, covariance * 1e-9)))
    assert np.mean(distances) == pytest.approx(6, rel=0.05)
    assert np.mean(np.array(distances) < chi2.ppf(0.95, 6)) == pytest.approx(0.95, abs=0.02)
