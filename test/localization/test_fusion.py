# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The filter of measured poses and odometry, against a batch of least squares and against chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import inverse, move_covariance, rigid, rotation_from_vector, skew, vector_from_rotation
from sfd2_ros.localization.frames import BasePose
from sfd2_ros.localization.fusion import PoseFusion, _own_part
from sfd2_ros.localization.fusion_config import FusionConfig
from sfd2_ros.localization.motion import MotionConfig, odometry_deviations

MOTION = MotionConfig()
ANY_JUMP = 1e9
MS = 1_000_000
STEP = rigid(rotation_from_vector([0.0, 0.01, 0.06]), [0.8, 0.05, 0.02])
AXES = np.random.default_rng(7).normal(size=(6, 6))
COVARIANCE = np.diag([0.02] * 3 + [0.003] * 3) @ (AXES @ AXES.T) @ np.diag([0.02] * 3 + [0.003] * 3)


def perturbed(pose: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return a pose that is off as covariances have it: p + dp, exp(dtheta) R about the axes of the map."""
    return rigid(rotation_from_vector(error[3:]) @ pose[:3, :3], pose[:3, 3] + error[:3])


def difference(pose: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([pose[:3, 3] - other[:3, 3], vector_from_rotation(pose @ inverse(other))])


def noise_of(moved: np.ndarray, config: FusionConfig) -> np.ndarray:
    position, rotation = (config.motion_share * each for each in odometry_deviations(moved, MOTION))
    return np.array([position] * 3 + [rotation] * 3)


def kept_of(moved: np.ndarray, config: FusionConfig) -> float:
    way, turn = np.linalg.norm(moved[:3, 3]), np.linalg.norm(vector_from_rotation(moved))
    return float(np.exp(-way / config.common_m - turn / config.common_rad))


class Drive:
    """A drive whose odometry and measured poses err exactly as the filter takes them to, times `scale`."""

    def __init__(self, config: FusionConfig, seed: int, *, frames: int = 15, scale: float = 1.0) -> None:
        generator = np.random.default_rng(seed)
        self.covariance = COVARIANCE * scale**2
        root = np.linalg.cholesky(self.covariance)
        self.truth, self.odometry, self.measured = [np.eye(4)], [np.eye(4)], []
        common = generator.normal(size=6)
        kept = kept_of(STEP, config)
        for number in range(frames):
            if number:
                self.odometry.append(self.odometry[-1] @ STEP)
                error = scale * noise_of(STEP, config) * generator.normal(size=6)
                self.truth.append(perturbed(self.truth[-1] @ STEP, error))
                common = kept * common + np.sqrt(1 - kept**2) * generator.normal(size=6)
            share = config.common_share
            error = root @ (np.sqrt(share) * common + np.sqrt(1 - share) * generator.normal(size=6))
            self.measured.append(perturbed(self.truth[-1], error))

    def fused(self, config: FusionConfig, *, origin: np.ndarray | None = None, scale: float = 1.0) -> list[BasePose]:
        """Return what the filter says of each frame, odometry beginning at `origin`."""
        start = np.eye(4) if origin is None else origin
        motion = replace(
            MOTION,
            position_per_m=scale * MOTION.position_per_m,
            rotation_per_m=scale * MOTION.rotation_per_m,
            rotation_per_rad=scale * MOTION.rotation_per_rad,
        )
        fusion = PoseFusion(config, motion)
        found = []
        for number, (odom, pose) in enumerate(zip(self.odometry, self.measured, strict=True)):
            measured = BasePose(pose, self.covariance)
            one = fusion.fuse(number * 100 * MS, measured, start @ odom, max_jump=ANY_JUMP)
            np.testing.assert_allclose(one.map_from_odom @ start @ odom, one.base.map_from_base, atol=1e-8)
            found.append(one.base)
        return found


def least_squares(drive: Drive, config: FusionConfig, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return deviation of the last pose from the truth, and its covariance, from all frames at once.

    Unknowns: deviation of every pose from the truth, and what its measurement has in common with the next. Nothing of
    the filter is used, only what it assumes.
    """
    count = len(drive.truth)
    rows, values = [], []

    def say(blocks: dict[int, np.ndarray], value: np.ndarray, deviations: np.ndarray) -> None:
        row = np.zeros((6, 12 * count))
        for column, block in blocks.items():
            row[:, 6 * column : 6 * column + 6] = block
        whitened = np.linalg.inv(deviations)
        rows.append(whitened @ row)
        values.append(whitened @ value)

    one, kept, share = np.eye(6), kept_of(STEP, config), config.common_share
    root = np.linalg.cholesky(drive.covariance)
    say({count: one}, np.zeros(6), one)
    for number, (truth, measured) in enumerate(zip(drive.truth, drive.measured, strict=True)):
        blocks = {number: one, count + number: np.sqrt(share) * root}
        say(blocks, difference(measured, truth), np.sqrt(1 - share) * root)
        if number:
            before = drive.truth[number - 1]
            lever = np.eye(6)
            lever[:3, 3:] = -skew(before[:3, :3] @ STEP[:3, 3])
            said = difference(truth, before @ STEP)
            say({number: one, number - 1: -lever}, -said, np.diag(scale * noise_of(STEP, config)))
            say({count + number: one, count + number - 1: -kept * one}, np.zeros(6), np.sqrt(1 - kept**2) * one)
    matrix, right = np.vstack(rows), np.concatenate(values)
    information = matrix.T @ matrix
    last = slice(6 * count - 6, 6 * count)
    return np.linalg.solve(information, matrix.T @ right)[last], np.linalg.inv(information)[last, last]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_fused_pose_is_that_of_least_squares_over_all_frames(share: float) -> None:
    """Errors of micrometres, so that nothing is lost by taking rotations for straight."""
    config, scale = FusionConfig(common_share=share), 1e-4
    drive = Drive(config, seed=3, scale=scale)
    fused = drive.fused(config, scale=scale)[-1]
    deviation, covariance = least_squares(drive, config, scale)
    sigma = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(difference(fused.map_from_base, drive.truth[-1]) / sigma, deviation / sigma, atol=1e-3)
    np.testing.assert_allclose(
        fused.covariance / np.outer(sigma, sigma), covariance / np.outer(sigma, sigma), atol=1e-3
    )
    assert np.all(sigma < np.sqrt(np.diag(drive.covariance)))


def mean_nees(given: FusionConfig, assumed: FusionConfig) -> float:
    values = []
    for seed in range(200):
        drive = Drive(given, seed)
        fused = drive.fused(assumed)[-1]
        error = difference(fused.map_from_base, drive.truth[-1])
        values.append(error @ np.linalg.solve(fused.covariance, error))
    return float(np.mean(values))


LOW, HIGH = (chi2.ppf(share, 6 * 200) / 200 for share in (0.005, 0.995))


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_fused_poses_are_as_wrong_as_they_say(share: float) -> None:
    config = FusionConfig(common_share=share)
    assert LOW < mean_nees(config, config) < HIGH


def test_measured_poses_that_err_alike_taken_for_independent_make_the_filter_too_sure() -> None:
    given = FusionConfig(common_share=0.7)
    assert mean_nees(given, replace(given, common_share=0.0)) > 1.5 * HIGH


def test_where_odometry_begins_makes_no_difference() -> None:
    config = FusionConfig()
    drive = Drive(config, seed=1)
    far = rigid(rotation_from_vector([0.3, -0.2, 2.0]), [20_000.0, -50_000.0, 300.0])
    for near, other in zip(drive.fused(config), drive.fused(config, origin=far), strict=True):
        np.testing.assert_allclose(other.map_from_base, near.map_from_base, atol=1e-7)
        np.testing.assert_allclose(other.covariance, near.covariance, rtol=1e-5, atol=1e-12)


def test_covariance_stays_symmetric_and_positive_over_thousands_of_frames() -> None:
    fusion = PoseFusion()
    odom = np.eye(4)
    for number in range(3_000):
        odom = odom @ STEP if number % 50 else odom
        found = fusion.fuse(number * 100 * MS, BasePose(odom, COVARIANCE), odom, max_jump=ANY_JUMP)
    np.testing.assert_array_equal(found.base.covariance, found.base.covariance.T)
    assert np.linalg.eigvalsh(found.base.covariance)[0] > 0
    np.testing.assert_allclose(found.base.map_from_base, odom, atol=1e-6)


def test_a_robot_at_rest_never_becomes_surer_than_what_its_pictures_have_in_common() -> None:
    config = FusionConfig(common_share=0.5)
    fusion = PoseFusion(config)
    found = [fusion.fuse(n * MS, BasePose(STEP, COVARIANCE), np.eye(4), max_jump=ANY_JUMP) for n in range(1000)]
    np.testing.assert_allclose(found[-1].base.covariance, 0.5 * COVARIANCE, rtol=0.01, atol=1e-9)


def test_the_first_pose_is_the_measured_one() -> None:
    odom = rigid(rotation_from_vector([0, 0, 1.0]), [5.0, 6.0, 0.0])
    found = PoseFusion().fuse(0, BasePose(STEP, COVARIANCE), odom, max_jump=30.0)
    assert found.is_new
    np.testing.assert_array_equal(found.base.map_from_base, STEP)
    np.testing.assert_array_equal(found.base.covariance, COVARIANCE)
    np.testing.assert_allclose(found.map_from_odom @ odom, STEP, atol=1e-12)


def started() -> PoseFusion:
    fusion = PoseFusion()
    for number in range(5):
        fusion.fuse(number * 100 * MS, BasePose(np.eye(4), COVARIANCE), np.eye(4), max_jump=30.0)
    return fusion


def test_a_pose_that_contradicts_the_filter_is_taken_at_once_and_whole() -> None:
    near, far = (rigid(np.eye(3), [metres, 0.0, 0.0]) for metres in (0.01, 3.0))
    slid = started().fuse(500 * MS, BasePose(near, COVARIANCE), np.eye(4), max_jump=30.0)
    assert not slid.is_new
    assert 0 < slid.base.map_from_base[0, 3] < 0.01
    found = started().fuse(500 * MS, BasePose(far, COVARIANCE), np.eye(4), max_jump=30.0)
    assert found.is_new
    np.testing.assert_array_equal(found.base.map_from_base, far)
    np.testing.assert_array_equal(found.base.covariance, COVARIANCE)


def test_a_clock_set_back_begins_anew_and_cameras_out_of_order_do_not() -> None:
    pose = BasePose(rigid(np.eye(3), [0.01, 0.0, 0.0]), COVARIANCE)
    assert not started().fuse(390 * MS, pose, np.eye(4), max_jump=30.0).is_new
    assert started().fuse(-60_000 * MS, pose, np.eye(4), max_jump=30.0).is_new


def test_without_frames_odometry_alone_moves_the_robot_and_uncertainty_grows_as_without_fusion() -> None:
    """Ten seconds without a pose, then one that says next to nothing: map to odom has stood still."""
    config = FusionConfig(motion_share=1.0)
    fusion = PoseFusion(config)
    before = fusion.fuse(0, BasePose(np.eye(4), COVARIANCE), np.eye(4), max_jump=30.0)
    vague = BasePose(STEP, COVARIANCE * 1e8)
    after = fusion.fuse(10_000 * MS, vague, STEP, max_jump=30.0)
    np.testing.assert_allclose(after.map_from_odom, before.map_from_odom, atol=1e-4)
    grown = move_covariance(COVARIANCE, np.eye(4), STEP) + np.diag(noise_of(STEP, config) ** 2)
    np.testing.assert_allclose(after.base.covariance, grown, rtol=1e-3, atol=1e-7)


def test_a_pose_keeps_of_its_own_what_those_before_do_not_explain() -> None:
    common = 0.3 * COVARIANCE
    for scale, own in ((1.0, 0.7), (0.1, 0.07), (50.0, 49.7)):
        np.testing.assert_allclose(_own_part(scale * COVARIANCE, common, 0.3), own * COVARIANCE, rtol=1e-9, atol=1e-15)
    other = np.diag([1.0, 1e-6, 1e-2, 1e-8, 1e-3, 1e-5])
    assert np.linalg.eigvalsh(_own_part(other, common, 0.3) - 0.7 * other)[0] > -1e-12
    assert np.linalg.eigvalsh(_own_part(other, common, 0.3) - (other - common))[0] > -1e-12


def test_settings_that_make_no_sense_are_refused() -> None:
    wrong = {
        "common_share": FusionConfig(common_share=1.0),
        "common_m": FusionConfig(common_m=0.0),
        "motion_share": FusionConfig(motion_share=-1.0),
    }
    for name, config in wrong.items():
        with pytest.raises(ConfigError, match=name):
            PoseFusion(config)
