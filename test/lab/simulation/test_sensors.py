# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Odometry with a chosen drift, fixes of a GNSS receiver, an accelerometer, and their faults; nothing is rendered."""

import itertools

import numpy as np
import pytest

from sfd2_lab.simulation.city_plan import plan_city
from sfd2_lab.simulation.odometry import drifting
from sfd2_lab.simulation.route import Motion, poses_along, route_line
from sfd2_lab.simulation.sensors import (
    BASE_FROM_ANTENNA,
    DATUM,
    JUMP_M,
    MULTIPATH_M,
    Fix,
    SensorConfig,
    accelerations,
    check_sensors,
    gnss_fixes,
    is_camera_on,
    odometry,
)
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import inverse, vector_from_rotation
from sfd2_ros.geometry.geodesy import enu_from_geodetic

POSES, STAMPS = poses_along(route_line(plan_city(0), "loop"), Motion(seed=1, rate_hz=2.0), 100)
QUIET = SensorConfig(odometry_scale=0.0, odometry_heading_deg=0.0)


def way_of(poses: list[np.ndarray]) -> float:
    return float(np.linalg.norm(np.diff([pose[:3, 3] for pose in poses], axis=0), axis=1).sum())


def places_of(fixes: list[Fix]) -> np.ndarray:
    return enu_from_geodetic(np.array([fix.geodetic for fix in fixes]), DATUM)


def errors_of(fixes: list[Fix]) -> np.ndarray:
    truth = {stamp: (pose @ BASE_FROM_ANTENNA)[:3, 3] for stamp, pose in zip(STAMPS, POSES, strict=True)}
    return places_of(fixes) - np.array([truth[fix.stamp_ns] for fix in fixes])


def test_odometry_has_the_chosen_scale_error() -> None:
    for scale in (-0.02, 0.01, 0.05):
        ways = [way_of(odometry(POSES, SensorConfig(scale, 0.0), seed)) / way_of(POSES) for seed in range(10)]
        assert np.mean(ways) == pytest.approx(1 + scale, abs=0.002)


def test_odometry_turns_by_the_chosen_angle_in_60_m() -> None:
    turns = []
    for seed in range(10):
        estimate = odometry(POSES, SensorConfig(0.0, 2.0), seed)[-1]
        error = inverse(inverse(POSES[0]) @ POSES[-1]) @ estimate
        turns.append(np.degrees(vector_from_rotation(error)[2]))
    assert np.mean(turns) == pytest.approx(2.0 * way_of(POSES) / 60, rel=0.1)


def test_odometry_without_a_choice_drifts_as_before() -> None:
    for first, second in zip(odometry(POSES, SensorConfig(), 7), drifting(POSES, 7), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_jump_of_odometry_is_one_step_to_the_left() -> None:
    smooth = odometry(POSES, QUIET, 1)
    jumping = odometry(POSES, SensorConfig(0.0, 0.0, faults=("odometry_jump",)), 1)
    offsets = [inverse(a) @ b for a, b in zip(smooth, jumping, strict=True)]
    assert all(np.allclose(offset, np.eye(4)) for offset in offsets[:50])
    np.testing.assert_allclose(offsets[50][:3, 3], (0, JUMP_M, 0), atol=1e-9)
    steps = [inverse(a) @ b for a, b in itertools.pairwise(jumping[50:])]
    assert max(np.linalg.norm(step[:3, 3]) for step in steps) < 4.5


def test_fixes_scatter_by_the_noise_that_they_report() -> None:
    errors = np.concatenate([errors_of(gnss_fixes(POSES, STAMPS, SensorConfig(gnss_noise_m=1.0), s)) for s in range(9)])
    np.testing.assert_allclose(errors.mean(axis=0), 0, atol=0.25)
    np.testing.assert_allclose(errors.std(axis=0), (1, 1, 2), rtol=0.15)
    (fix, *others) = gnss_fixes(POSES, STAMPS, SensorConfig(gnss_noise_m=0.5), 0)
    assert fix.stddev_m == (0.5, 0.5, 1.0)
    gaps_s = np.diff([one.stamp_ns for one in (fix, *others)]) / 1e9
    assert set(gaps_s) == {1.0}


def test_outliers_and_multipath_are_wrong_by_more_than_the_reported_noise() -> None:
    wrong = [
        errors_of(gnss_fixes(POSES, STAMPS, SensorConfig(gnss_noise_m=1.0, faults=("gnss_outliers",)), s))
        for s in range(9)
    ]
    far = np.linalg.norm(np.concatenate(wrong)[:, :2], axis=1) > 20
    assert 0.01 < far.mean() < 0.12
    moved = errors_of(gnss_fixes(POSES, STAMPS, SensorConfig(gnss_noise_m=0.1, faults=("gnss_multipath",)), 0))
    lengths = np.linalg.norm(moved[:, :2], axis=1)
    assert lengths[25:35] == pytest.approx(np.full(10, MULTIPATH_M), abs=0.5)
    assert lengths[:25].max() < 0.5
    assert lengths[35:].max() < 0.5


def test_an_accelerometer_measures_what_is_up() -> None:
    measured = accelerations(POSES, 0)
    upwards = np.array([pose[2, :3] for pose in POSES])
    np.testing.assert_allclose(measured, 9.81 * upwards, atol=0.25)


def test_cameras_are_off_for_20_s_from_a_third_of_the_drive_on() -> None:
    on = [is_camera_on(stamp, STAMPS, SensorConfig(faults=("camera_off",))) for stamp in STAMPS]
    assert on.count(False) == 40  # 20 s, two instants a second
    assert on.index(False) == 33
    assert all(is_camera_on(stamp, STAMPS, SensorConfig()) for stamp in STAMPS)


def test_unknown_faults_and_faults_without_their_sensor_are_rejected() -> None:
    with pytest.raises(ConfigError, match="unknown fault 'meteor'; allowed: odometry_jump"):
        check_sensors(SensorConfig(faults=("meteor",)))
    with pytest.raises(ConfigError, match="--gnss"):
        check_sensors(SensorConfig(faults=("gnss_multipath",)))
    check_sensors(SensorConfig(gnss_noise_m=1.0, faults=("gnss_multipath", "camera_off")))
