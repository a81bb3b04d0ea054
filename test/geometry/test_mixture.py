# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses measured from right and wrong matches, and whether their covariance says how wrong they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.core.types import Camera
from sfd2_ros.evaluation.consistency import nees
from sfd2_ros.geometry import mixture
from sfd2_ros.geometry.mixture import MeasuredPose, measure_pose
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.localization.pnp import project

CAMERA = Camera(640, 480, 500.0, 510.0, 322.0, 238.0)
DISTORTED = [
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.05, 0.01, 0.001, -0.001)),
    Camera(640, 480, 300, 310, 322, 238, "equidistant", (0.05, 0.002, -0.001, 0.0003)),
    Camera(640, 480, 500, 510, 322, 238),
]
POSE = inverse(rigid(rotation_from_vector([0.1, -0.2, 0.05]), [0.3, -0.1, 0.5]))
WINDOW_PX = 8.0


def _street(
    seed: int, *, noise_px: float = 1.0, far: int = 300, near: int = 12, wrong_near: bool = False
) -> Observations:
    """Return far landmarks, and near ones on the ground that alone tell well where the camera is."""
    generator = np.random.default_rng(seed)
    behind = generator.uniform([-8, -4, 14], [8, 1, 30], (far, 3))
    ground = generator.uniform([-1.5, 1.0, 3], [1.5, 1.2, 6], (near, 3))
    positions = np.concatenate([behind, ground]) @ POSE[:3, :3] - POSE[:3, 3] @ POSE[:3, :3]
    offsets = generator.normal(scale=noise_px, size=(far + near, 2))
    if wrong_near:
        offsets[far:] = _in_disc(generator, near)
    wrong = generator.choice(far, far // 5, replace=False)
    offsets[wrong] = _in_disc(generator, len(wrong))
    count = far + near
    keypoints = project(POSE, positions, CAMERA) + offsets
    return Observations(keypoints, positions, np.zeros((count, 3, 3)), CAMERA, 1.0)


def _in_disc(generator: np.random.Generator, count: int) -> np.ndarray:
    angle, radius = generator.uniform(0, 2 * np.pi, count), WINDOW_PX * np.sqrt(generator.uniform(0, 1, count))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _measured(observed: Observations) -> MeasuredPose:
    error = np.linalg.norm(project(POSE, observed.positions, CAMERA) - observed.keypoints, axis=1)
    return measure_pose(POSE, [observed.where(error <= WINDOW_PX)], window_px=WINDOW_PX)


def _nees(found: MeasuredPose) -> float:
    assert found.covariance is not None
    return nees(inverse(found.body_from_map), found.covariance, inverse(POSE))


def test_a_third_of_the_linearisations_lead_to_the_same_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    linearise, calls = mixture.linearised_with_landmarks, [0]

    def counted(*arguments: Any) -> Any:
        calls[0] += 1
        return linearise(*arguments)

    monkeypatch.setattr(mixture, "linearised_with_landmarks", counted)
    found = []
    for steps in (1, 10):
        monkeypatch.setattr(mixture, "_STEPS_A_LINEARISATION", steps)
        calls[0] = 0
        found.append(([_measured(_street(seed, noise_px=2.0)) for seed in range(5)], calls[0]))
    (by_ones, ones), (by_tens, tens) = found
    assert tens < ones / 2
    for here, there in zip(by_ones, by_tens, strict=True):
        assert here.covariance is not None
        assert there.covariance is not None
        assert nees(inverse(there.body_from_map), here.covariance, inverse(here.body_from_map)) < 0.1**2
        # The scale of the noise still settles when the pose has: the variances differ by up to 3 %.
        np.testing.assert_allclose(np.diag(there.covariance), np.diag(here.covariance), rtol=0.05)


def test_exact_matches_lead_back_to_the_exact_pose() -> None:
    observed = _street(0, noise_px=0.0)
    exact = np.linalg.norm(project(POSE, observed.positions, CAMERA) - observed.keypoints, axis=1) < 1e-9
    start = rigid(rotation_from_vector([0.002, -0.001, 0.001]), [0.01, -0.02, 0.01]) @ POSE
    found = measure_pose(start, [observed.where(exact)], window_px=WINDOW_PX)
    np.testing.assert_allclose(found.body_from_map, POSE, atol=1e-6)


@pytest.mark.parametrize("noise_px", [0.7, 1.0, 1.6])
def test_errors_are_as_large_as_the_covariance_says_with_a_fifth_of_the_matches_wrong(noise_px: float) -> None:
    values = [_nees(_measured(_street(seed, noise_px=noise_px))) for seed in range(60)]
    assert 3.5 < np.mean(values) < 7.6


def test_matches_that_lie_where_they_do_by_chance_say_little() -> None:
    street = _street(4, near=40)
    chance = _street(4, near=40, wrong_near=True)
    sure, unsure = _measured(street).covariance, _measured(chance).covariance
    assert sure is not None
    assert unsure is not None
    assert np.trace(unsure[:3, :3]) > 3 * np.trace(sure[:3, :3])


def test_a_region_whose_matches_err_alike_makes_the_pose_less_sure() -> None:
    street = _street(3, noise_px=0.5)
    x, y = street.keypoints.T
    shifted = street.keypoints + np.where(((x < 200) & (y < 240))[:, None], [1.5, 0.0], 0.0)
    alike, apart = _measured(replace(street, keypoints=shifted)), _measured(street)
    assert alike.covariance is not None
    assert apart.covariance is not None
    ratio = np.linalg.eigvals(np.linalg.solve(apart.covariance, alike.covariance)).real
    assert ratio.max() > 2


def test_the_order_of_matches_does_not_matter() -> None:
    street = _street(5)
    order = np.random.default_rng(0).permutation(len(street.positions))
    mixed = replace(
        street,
        keypoints=street.keypoints[order],
        positions=street.positions[order],
        covariances=street.covariances[order],
    )
    one, other = _measured(street), _measured(mixed)
    np.testing.assert_allclose(one.body_from_map, other.body_from_map, atol=1e-9)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-15)


def test_matches_seen_by_two_cameras_are_one_measurement() -> None:
    street = _street(6)
    left = street.keypoints[:, 0] < CAMERA.width / 2
    apart = rigid(rotation_from_vector([0, 0.3, 0]), [0.2, 0, 0])
    seen = project(apart @ POSE, street.positions, CAMERA)
    other = replace(street, keypoints=seen, cam_from_body=apart).where(np.isfinite(seen).all(axis=1) & ~left)
    alone = _measured(street.where(left))
    both = measure_pose(POSE, [street.where(left), other], window_px=WINDOW_PX)
    assert alone.covariance is not None
    assert both.covariance is not None
    assert np.trace(both.covariance[:3, :3]) < np.trace(alone.covariance[:3, :3])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_matches_determine_no_pose(count: int) -> None:
    chosen = np.arange(312) < count
    assert measure_pose(POSE, [_street(0).where(chosen)], window_px=WINDOW_PX).covariance is None


@pytest.mark.parametrize("seed", range(3))
def test_matches_anywhere_in_their_windows_do_not_agree(seed: int) -> None:
    street = _street(seed, near=0)
    anywhere = project(POSE, street.positions, CAMERA) + _in_disc(np.random.default_rng(seed), len(street.positions))
    found = measure_pose(POSE, [replace(street, keypoints=anywhere)], window_px=WINDOW_PX)
    assert found.num_matches == len(anywhere)
    assert found.mean_log_likelihood_ratio < 0.05


@pytest.mark.parametrize("noise_px", [0.5, 1.0, 2.0])
def test_matches_of_which_a_fifth_is_wrong_agree_far_better_than_chance(noise_px: float) -> None:
    found = measure_pose(POSE, [_street(0, noise_px=noise_px)], window_px=WINDOW_PX)
    assert found.mean_log_likelihood_ratio > 0.3
    assert found.log_likelihood == pytest.approx(found.mean_log_likelihood_ratio * found.num_matches)


def test_depths_that_the_map_has_wrong_do_not_draw_poses_to_where_it_was_made() -> None:
    """Landmarks mapped from x = 0 with wrong depths fit there; seen from a metre aside they ask for less than that."""
    aside_m, count, noise_px, depth_share = 1.0, 400, 0.7, 0.05
    body_from_map = inverse(rigid(np.eye(3), [aside_m, 0.0, 0.0]))
    found = []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        rays = np.column_stack([generator.uniform(-0.5, 0.5, (count, 2)), np.ones(count)])
        depth = generator.uniform(8.0, 16.0, (count, 1))
        mapped = rays * depth * (1 + depth_share * generator.normal(size=(count, 1)))
        keypoints = project(body_from_map, rays * depth, CAMERA)
        keypoints += generator.normal(scale=noise_px, size=(count, 2))
        covariances = depth_share**2 * mapped[:, :, None] * mapped[:, None] + 1e-6 * np.eye(3)
        observed = Observations(keypoints, mapped, covariances, CAMERA, noise_px)
        found.append(inverse(measure_pose(body_from_map, [observed], window_px=24).body_from_map)[0, 3])
    assert np.mean(found) == pytest.approx(
        aside_m, abs=0.01
    )  # 0.976 with the motion of landmarks where the map has them


def _error(found: MeasuredPose) -> np.ndarray:
    """Return how the pose of the camera in the map is off: position, then rotation about the map's axes."""
    here, there = inverse(found.body_from_map), inverse(POSE)
    return np.concatenate([here[:3, 3] - there[:3, 3], vector_from_rotation(here @ inverse(there))])


def _ratios(found: list[MeasuredPose]) -> np.ndarray:
    """Return the spread of poses over their covariance, as standard deviations along six axes; biased poses fail."""
    errors = np.array([_error(pose) for pose in found])
    covariance = np.mean([pose.covariance for pose in found if pose.covariance is not None], axis=0)
    assert np.all(np.abs(errors.mean(axis=0)) < 0.4 * errors.std(axis=0))
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    ratios: np.ndarray = np.sqrt(np.linalg.eigvalsh(root @ np.cov(errors.T) @ root.T))
    return ratios


def _box(camera: Camera, seed: int, *, noise_px: float) -> Observations:
    positions = np.random.default_rng(9).uniform([-3, -2, 4], [3, 2, 10], (80, 3))
    keypoints = project(POSE, positions, camera) + np.random.default_rng(seed).normal(scale=noise_px, size=(80, 2))
    return Observations(keypoints, positions, np.zeros((80, 3, 3)), camera, 1.0)


@pytest.mark.parametrize("camera", DISTORTED, ids=lambda camera: camera.distortion_model)
def test_the_covariance_is_the_spread_of_estimates(camera: Camera) -> None:
    seen = [_box(camera, seed, noise_px=1.0) for seed in range(150)]
    ratios = _ratios([measure_pose(POSE, [one], window_px=WINDOW_PX) for one in seen])
    assert ratios.max() < 1.15, "the covariance must not be too small"
    assert ratios.min() > 0.6, "the covariance must not be needlessly large"


def test_uncertain_landmarks_make_the_covariance_wider_as_they_spread_the_estimates() -> None:
    axes = np.random.default_rng(3).normal(size=(80, 3, 3)) * [0.002, 0.005, 0.03]
    exact, found = _box(CAMERA, 0, noise_px=0.0), []
    for seed in range(150):
        shifts = np.einsum("nij,nj->ni", axes, np.random.default_rng(1000 + seed).normal(size=(80, 3)))
        noisy = replace(_box(CAMERA, seed, noise_px=0.7), sigma_px=0.7, covariances=axes @ axes.transpose(0, 2, 1))
        found.append(measure_pose(POSE, [replace(noisy, positions=exact.positions + shifts)], window_px=24.0))
    ratios = _ratios(found)
    assert ratios.max() < 1.15
    assert ratios.min() > 0.6
