# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Refined poses, against exact ones and against the minimum that scipy finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.colmap_types import colmap_camera, keypoints_from_colmap
from sfd2_ros.geometry.least_squares import cauchy_weights, normal_equations
from sfd2_ros.geometry.projection import image_jacobian, image_points
from sfd2_ros.geometry.refine import refine_pose
from sfd2_ros.geometry.residuals import Observations, linearised
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


def _error(found: np.ndarray) -> np.ndarray:
    """Return how the pose of the camera in the map is off: position, then rotation about the map's axes."""
    here, there = inverse(found), inverse(POSE)
    return np.concatenate([here[:3, 3] - there[:3, 3], vector_from_rotation(here @ inverse(there))])


@by_model
@pytest.mark.parametrize("seed", range(3))
def test_exact_matches_lead_back_to_the_exact_pose(camera: Camera, seed: int) -> None:
    found = refine_pose(_disturbed(seed), [_observed(camera)])
    np.testing.assert_allclose(found, POSE, atol=1e-7)


def test_the_pose_is_the_minimum_that_scipy_finds() -> None:
    observed = _observed(CAMERAS[0], noise_px=1.5)
    found = refine_pose(POSE, [observed], converged_deviations=1e-3)

    def cost(change: np.ndarray) -> float:
        pose = rigid(rotation_from_vector(change[3:]), change[:3]) @ found
        square = reprojection_errors_px(pose, observed.keypoints, observed.positions, observed.camera) ** 2
        return float(np.sum(np.log1p(square / 4)))

    best = minimize(cost, np.full(6, 1e-3), method="Powell", options={"xtol": 1e-9, "ftol": 1e-14})
    assert cost(np.zeros(6)) <= best.fun + 1e-6
    np.testing.assert_allclose(best.x, 0, atol=2e-4)


def test_a_few_wrong_matches_hardly_move_the_pose() -> None:
    observed = _observed(CAMERAS[0], noise_px=0.5)
    spoilt = observed.keypoints.copy()
    spoilt[:6] += [12.0, -9.0]
    clean, robust = refine_pose(POSE, [observed]), refine_pose(POSE, [replace(observed, keypoints=spoilt)])
    assert np.linalg.norm(_error(robust) - _error(clean)) < 0.01


def test_an_uncertain_landmark_hardly_pulls() -> None:
    observed = _observed(CAMERAS[0], 40)
    moved = observed.positions.copy()
    moved[0] += [0.1, 0.0, 0.0]
    wide = observed.covariances.copy()
    wide[0] = np.eye(3)
    pulled = _error(refine_pose(POSE, [replace(observed, positions=moved)]))
    hardly = _error(refine_pose(POSE, [replace(observed, positions=moved, covariances=wide)]))
    assert np.linalg.norm(hardly) < 0.05 * np.linalg.norm(pulled)


def _line(count: int) -> np.ndarray:
    return np.column_stack([np.linspace(-2, 2, count), np.zeros(count), np.full(count, 6.0)])


@pytest.mark.parametrize(
    "positions", [np.empty((0, 3)), _line(3), _line(20), np.tile([[0.0, 0.0, 6.0]], (20, 1)), -_line(20)]
)
def test_matches_that_do_not_determine_the_pose_leave_it_where_it_was(positions: np.ndarray) -> None:
    camera = CAMERAS[0]
    seen = project(POSE, positions, camera)
    keypoints = np.where(np.isfinite(seen), seen, 100.0)
    observed = Observations(keypoints, positions, np.zeros((len(positions), 3, 3)), camera, 1.0)
    np.testing.assert_array_equal(refine_pose(POSE, [observed]), POSE)


def test_what_is_not_finite_leaves_the_pose_where_it_was() -> None:
    observed = _observed(CAMERAS[0])
    keypoints, covariances = observed.keypoints.copy(), observed.covariances.copy()
    keypoints[3, 0] = np.nan
    covariances[3] = np.nan
    for spoilt in (replace(observed, keypoints=keypoints), replace(observed, covariances=covariances)):
        np.testing.assert_array_equal(refine_pose(POSE, [spoilt]), POSE)


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
    close, loose = (refine_pose(_disturbed(1), [observed], converged_deviations=each) for each in (1e-3, 0.03))
    linear = linearised(close, observed)
    equations = normal_equations(linear, cauchy_weights(linear.squares))
    assert equations is not None
    difference = _error(loose) - _error(close)
    assert difference @ equations[0] @ difference < 0.03**2
