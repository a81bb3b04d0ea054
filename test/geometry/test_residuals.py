# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Residuals of keypoints and their derivatives, against finite differences and COLMAP's covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pycolmap
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, skew
from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points, rigid3d_from_matrix
from sfd2_ros.geometry.least_squares import normal_equations
from sfd2_ros.geometry.residuals import Observations, linearised, linearised_with_landmarks, moved_body
from sfd2_ros.localization.pnp import project

CAMERAS = [
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.05, 0.01, 0.001, -0.001)),
    Camera(640, 480, 300, 310, 322, 238, "equidistant", (0.05, 0.002, -0.001, 0.0003)),
    Camera(640, 480, 500, 510, 322, 238),
]
BODY = inverse(rigid(rotation_from_vector([0.1, -0.2, 0.05]), [0.3, -0.1, 0.5]))
MOUNT = rigid(rotation_from_vector([0.02, 0.1, -0.03]), [0.2, -0.1, 0.05])
by_model = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.distortion_model)


def _observed(camera: Camera, *, mount: np.ndarray = MOUNT, noise_px: float = 0.0) -> Observations:
    generator = np.random.default_rng(0)
    positions = generator.uniform([-3, -2, 4], [3, 2, 10], (80, 3))
    keypoints = project(mount @ BODY, positions, camera) + generator.normal(scale=noise_px, size=(80, 2))
    return Observations(keypoints, positions, np.zeros((80, 3, 3)), camera, 0.7, mount)


@by_model
def test_the_jacobian_is_that_of_small_steps_of_the_body(camera: Camera) -> None:
    observed = _observed(camera)
    columns = []
    for step in 1e-6 * np.eye(6):
        ahead, behind = (linearised(moved_body(BODY, sign * step), observed).residual for sign in (1, -1))
        columns.append((behind - ahead) / 2e-6)
    np.testing.assert_allclose(linearised(BODY, observed).jacobian, np.stack(columns, axis=2), rtol=1e-4, atol=1e-2)


@by_model
def test_the_normal_matrix_is_the_inverse_of_colmaps_covariance(camera: Camera) -> None:
    observed = replace(_observed(camera, mount=np.eye(4)), sigma_px=1.0)
    answer = pycolmap.refine_absolute_pose(
        rigid3d_from_matrix(BODY),
        colmap_points(observed.keypoints),
        observed.positions,
        np.ones(80, bool),
        colmap_camera(camera),
        return_covariance=True,
    )
    # COLMAP's covariance is of half the rotation vector in the camera's axes, then of cam_from_world's translation.
    rotation, translation = BODY[:3, :3], BODY[:3, 3]
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = -2 * rotation.T @ skew(translation)
    jacobian[:3, 3:] = -rotation.T
    jacobian[3:, :3] = -2 * rotation.T
    expected = jacobian @ np.asarray(answer["covariance"]) @ jacobian.T
    equations = normal_equations(linearised(BODY, observed), np.ones(80))
    assert equations is not None
    found = np.linalg.inv(equations[0])
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3 * np.abs(expected).max())


def test_the_information_is_the_inverse_of_keypoint_and_projected_landmark_noise() -> None:
    observed = _observed(CAMERAS[0])
    axes = np.random.default_rng(3).normal(size=(80, 3, 3)) * [0.002, 0.005, 0.03]
    observed = replace(observed, covariances=axes @ axes.transpose(0, 2, 1))
    by_landmark = np.stack(
        [
            (project(MOUNT @ BODY, observed.positions + step, CAMERAS[0]) - observed.keypoints) / 1e-6
            for step in 1e-6 * np.eye(3)
        ],
        axis=2,
    )
    noise = by_landmark @ observed.covariances @ by_landmark.transpose(0, 2, 1) + 0.7**2 * np.eye(2)
    np.testing.assert_allclose(linearised(BODY, observed).information, np.linalg.inv(noise), rtol=1e-3, atol=1e-3)


def test_exact_landmarks_are_linearised_where_the_map_has_them() -> None:
    observed = _observed(CAMERAS[0], noise_px=2.0)
    at_map, at_likeliest = linearised(BODY, observed), linearised_with_landmarks(BODY, observed)
    np.testing.assert_array_equal(at_map.residual, at_likeliest.residual)
    np.testing.assert_allclose(at_map.jacobian, at_likeliest.jacobian, rtol=1e-12)


def test_landmarks_without_depth_never_move_to_the_camera() -> None:
    observed = _observed(CAMERAS[2], noise_px=3.0)
    wide = replace(observed, covariances=np.tile(100.0 * np.eye(3), (80, 1, 1)))
    assert np.isfinite(linearised_with_landmarks(BODY, wide).jacobian).all()


def test_landmarks_behind_the_camera_are_left_out() -> None:
    observed = _observed(CAMERAS[2])
    behind = np.arange(80) < 10
    from_cam = inverse(MOUNT @ BODY)
    mirrored = observed.positions.copy()
    mirrored[behind] = 2 * from_cam[:3, 3] - mirrored[behind]
    left = replace(observed, positions=mirrored).in_front(BODY)
    assert len(left) == 70
    np.testing.assert_array_equal(left.keypoints, observed.keypoints[~behind])
    assert observed.in_front(BODY) is observed
