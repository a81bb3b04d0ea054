# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Refined poses and their covariance, against scipy, COLMAP's covariance, and the spread of estimates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pycolmap
import pytest
from scipy.optimize import minimize

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, skew, vector_from_rotation
from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points, keypoints_from_colmap, rigid3d_from_matrix
from sfd2_ros.geometry.projection import image_jacobian, image_points
from sfd2_ros.geometry.refine import Observations, RefinedPose, refine_pose
from sfd2_ros.localization.pnp import project, reprojection_errors_px

CAMERAS = [
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.05, 0.01, 0.001, -0.001)),
    Camera(640, 480, 300, 310, 322, 238, "equidistant", (0.05, 0.002, -0.001, 0.0003)),
    Camera(640, 480, 500, 510, 322, 238),
]
POSE = inverse(rigid(rotation_from_vector([0.1, -0.2, 0.05]), [0.3, -0.1, 0.5]))
by_model = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.distortion_model)


def _observed(camera: Camera, count: int = 80, *, noise_px: float = 0.0, seed: int = 0) -> Observations:
    generator = np.random.default_rng(seed)
    positions = np.random.default_rng(9).uniform([-3, -2, 4], [3, 2, 10], (count, 3))
    keypoints = project(POSE, positions, camera) + generator.normal(scale=noise_px, size=(count, 2))
    return Observations(keypoints, positions, np.zeros((count, 3, 3)), camera, 1.0)


def _disturbed(seed: int, size: float = 0.05) -> np.ndarray:
    change = np.random.default_rng(seed).normal(scale=size, size=6)
    return rigid(rotation_from_vector(change[3:]), change[:3]) @ POSE


def _error(found: RefinedPose) -> np.ndarray:
    """Return how the pose of the camera in the map is off: position, then rotation about the map's axes."""
    here, there = inverse(found.body_from_map), inverse(POSE)
    return np.concatenate([here[:3, 3] - there[:3, 3], vector_from_rotation(here @ inverse(there))])


@by_model
@pytest.mark.parametrize("seed", range(3))
def test_exact_matches_lead_back_to_the_exact_pose(camera: Camera, seed: int) -> None:
    found = refine_pose(_disturbed(seed), _observed(camera))
    np.testing.assert_allclose(found.body_from_map, POSE, atol=1e-7)


def test_the_pose_is_the_minimum_that_scipy_finds() -> None:
    observed = _observed(CAMERAS[0], noise_px=1.5)
    found = refine_pose(POSE, observed)

    def cost(change: np.ndarray) -> float:
        pose = rigid(rotation_from_vector(change[3:]), change[:3]) @ found.body_from_map
        square = reprojection_errors_px(pose, observed.keypoints, observed.positions, observed.camera) ** 2
        return float(np.sum(np.log1p(square / 4)))

    best = minimize(cost, np.full(6, 1e-3), method="Powell", options={"xtol": 1e-9, "ftol": 1e-14})
    assert cost(np.zeros(6)) <= best.fun + 1e-6
    np.testing.assert_allclose(best.x, 0, atol=2e-4)


def test_a_few_wrong_matches_hardly_move_the_pose() -> None:
    observed = _observed(CAMERAS[0], noise_px=0.5)
    spoilt = observed.keypoints.copy()
    spoilt[:6] += [12.0, -9.0]
    clean, robust = refine_pose(POSE, observed), refine_pose(POSE, replace(observed, keypoints=spoilt))
    assert np.linalg.norm(_error(robust) - _error(clean)) < 0.01


@by_model
def test_without_noise_the_covariance_is_that_of_colmap(camera: Camera) -> None:
    observed = _observed(camera)
    answer = pycolmap.refine_absolute_pose(
        rigid3d_from_matrix(POSE),
        colmap_points(observed.keypoints),
        observed.positions,
        np.ones(80, bool),
        colmap_camera(camera),
        return_covariance=True,
    )
    # COLMAP's covariance is of half the rotation vector in the camera's axes, then of cam_from_world's translation.
    rotation, translation = POSE[:3, :3], POSE[:3, 3]
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = -2 * rotation.T @ skew(translation)
    jacobian[:3, 3:] = -rotation.T
    jacobian[3:, :3] = -2 * rotation.T
    expected = jacobian @ np.asarray(answer["covariance"]) @ jacobian.T
    found = refine_pose(POSE, observed).covariance
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3 * np.abs(expected).max())


def _spread_and_said(observed: list[Observations]) -> tuple[np.ndarray, np.ndarray]:
    found = [refine_pose(POSE, one) for one in observed]
    errors = np.array([_error(one) for one in found])
    said = np.mean([one.covariance for one in found if one.covariance is not None], axis=0)
    assert np.all(np.abs(errors.mean(axis=0)) < 0.4 * errors.std(axis=0))
    return np.cov(errors.T), said


def _ratios(spread: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return spread over said along the axes where they differ most and least, as standard deviations."""
    root = np.linalg.inv(np.linalg.cholesky(said))
    return np.sqrt(np.linalg.eigvalsh(root @ spread @ root.T))


@by_model
@pytest.mark.parametrize("noise_px", [1.0, 2.0])
def test_the_covariance_is_the_spread_of_estimates(camera: Camera, noise_px: float) -> None:
    trials = [_observed(camera, noise_px=noise_px, seed=seed) for seed in range(200)]
    ratios = _ratios(*_spread_and_said(trials))
    assert ratios.max() < 1.15, "estimates must not be surer than they are right"
    assert ratios.min() > 0.6, "estimates must not be needlessly unsure"


def test_uncertain_landmarks_make_the_covariance_wider_as_they_spread_the_estimates() -> None:
    generator = np.random.default_rng(3)
    exact = _observed(CAMERAS[0])
    axes = generator.normal(size=(80, 3, 3)) * [0.002, 0.005, 0.03]
    covariances = axes @ axes.transpose(0, 2, 1)
    trials = []
    for seed in range(200):
        noisy = _observed(CAMERAS[0], noise_px=0.7, seed=seed)
        moved = exact.positions + np.einsum("nij,nj->ni", axes, np.random.default_rng(seed).normal(size=(80, 3)))
        trials.append(replace(noisy, positions=moved, covariances=covariances, sigma_px=0.7))
    spread, said = _spread_and_said(trials)
    ratios = _ratios(spread, said)
    assert ratios.min() > 0.6
    assert ratios.max() < 1.15
    sure = refine_pose(POSE, replace(exact, sigma_px=0.7)).covariance
    assert sure is not None
    assert np.all(np.linalg.eigvalsh(said - sure) > 0)


def test_an_uncertain_landmark_hardly_pulls() -> None:
    observed = _observed(CAMERAS[0], 40)
    moved = observed.positions.copy()
    moved[0] += [0.1, 0.0, 0.0]
    wide = observed.covariances.copy()
    wide[0] = np.eye(3)
    pulled = _error(refine_pose(POSE, replace(observed, positions=moved)))
    hardly = _error(refine_pose(POSE, replace(observed, positions=moved, covariances=wide)))
    assert np.linalg.norm(hardly) < 0.05 * np.linalg.norm(pulled)


def _line(count: int) -> np.ndarray:
    return np.column_stack([np.linspace(-2, 2, count), np.zeros(count), np.full(count, 6.0)])


@pytest.mark.parametrize(
    "positions", [np.empty((0, 3)), _line(3), _line(20), np.tile([[0.0, 0.0, 6.0]], (20, 1)), -_line(20)]
)
def test_matches_that_do_not_determine_the_pose_have_no_covariance(positions: np.ndarray) -> None:
    camera = CAMERAS[0]
    seen = project(POSE, positions, camera)
    keypoints = np.where(np.isfinite(seen), seen, 100.0)
    observed = Observations(keypoints, positions, np.zeros((len(positions), 3, 3)), camera, 1.0)
    found = refine_pose(POSE, observed)
    assert found.covariance is None
    np.testing.assert_array_equal(found.body_from_map, POSE)


def test_what_is_not_finite_has_no_covariance() -> None:
    observed = _observed(CAMERAS[0])
    keypoints, covariances = observed.keypoints.copy(), observed.covariances.copy()
    keypoints[3, 0] = np.nan
    covariances[3] = np.nan
    for spoilt in (replace(observed, keypoints=keypoints), replace(observed, covariances=covariances)):
        assert refine_pose(POSE, spoilt).covariance is None


@by_model
def test_the_jacobian_is_that_of_small_steps(camera: Camera) -> None:
    points = np.random.default_rng(0).uniform([-2, -1.5, 3], [2, 1.5, 9], (20, 3))
    columns = [
        (image_points(camera, points + 1e-6 * unit) - image_points(camera, points - 1e-6 * unit)) / 2e-6
        for unit in np.eye(3)
    ]
    np.testing.assert_allclose(image_jacobian(camera, points), np.stack(columns, axis=2), rtol=1e-4, atol=1e-4)


@by_model
def test_points_fall_where_colmap_has_them_and_nowhere_behind_the_camera(camera: Camera) -> None:
    points = np.random.default_rng(1).uniform([-2, -1.5, -9], [2, 1.5, 9], (40, 3))
    found, ahead = image_points(camera, points), points[:, 2] > 0
    expected = keypoints_from_colmap(np.asarray(colmap_camera(camera).img_from_cam(points[ahead])))
    np.testing.assert_allclose(found[ahead], expected, atol=1e-9)
    assert np.isnan(found[~ahead]).all()
    assert 0 < ahead.sum() < len(ahead)
    assert image_points(camera, points[:0]).shape == (0, 2)


def test_a_loose_limit_of_convergence_stops_near_the_same_pose() -> None:
    observed = _observed(CAMERAS[0], noise_px=1.5)
    close, loose = (refine_pose(_disturbed(1), observed, converged_deviations=each) for each in (1e-3, 0.03))
    assert close.covariance is not None
    difference = _error(loose) - _error(close)
    assert difference @ np.linalg.solve(close.covariance, difference) < 0.03**2
