# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rays and epipolar errors, against projections and against the exact geometric distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.localization.pnp import project
from sfd2_ros.mapping.two_view import bearings, sampson_error_px

CAMERAS = [
    Camera(640, 480, 500, 510, 322, 238),
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.1, 0.02, 0.001, -0.002)),
    Camera(640, 480, 500, 510, 322, 238, "rational_polynomial", (0.1, -0.02, 0.001, 0.002, 0.03, 0.01, 0.02, 0.005)),
    Camera(640, 480, 300, 310, 322, 238, "equidistant", (0.01, 0.002, -0.001, 0.0003)),
]


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.distortion_model)
def test_rays_project_back_to_their_keypoints(camera: Camera) -> None:
    keypoints = np.random.default_rng(0).uniform([0, 0], [639, 479], (80, 2))
    rays = bearings(camera, keypoints)
    assert rays.shape == (80, 3)
    np.testing.assert_array_equal(rays[:, 2], 1)
    np.testing.assert_allclose(project(np.eye(4), 7 * rays, camera), keypoints, atol=1e-5)


def test_no_keypoints_have_no_rays() -> None:
    assert bearings(CAMERAS[0], np.empty((0, 2))).shape == (0, 3)


def test_rays_that_cannot_be_undistorted_match_nothing() -> None:
    folding = Camera(640, 480, 500, 500, 320, 240, "plumb_bob", (-2.0, 0.0, 0.0, 0.0))
    rays = bearings(folding, np.array([[320.0, 240.0], [639.0, 479.0]]))
    first, second = PosedImage("a", folding, np.eye(4)), PosedImage("b", folding, rigid(np.eye(3), [-1, 0, 0]))
    errors = sampson_error_px(first, second, rays, rays)
    assert errors[0] == pytest.approx(0, abs=1e-6)
    assert not np.isnan(errors).any()


def _pair() -> tuple[PosedImage, PosedImage]:
    camera = CAMERAS[0]
    pose = inverse(rigid(rotation_from_vector([0.1, -0.2, 0.05]), [1.0, 0.2, 0.1]))
    return PosedImage("a", camera, inverse(rigid(np.eye(3), [0.3, 0, 0]))), PosedImage("b", camera, pose)


def _points() -> np.ndarray:
    return np.random.default_rng(1).uniform([-2, -1, 4], [2, 1, 9], (40, 3))


def _errors(first: PosedImage, second: PosedImage, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return sampson_error_px(first, second, bearings(first.camera, left), bearings(second.camera, right))


def test_true_matches_have_no_error() -> None:
    first, second = _pair()
    left, right = (project(image.cam_from_world, _points(), image.camera) for image in (first, second))
    np.testing.assert_allclose(_errors(first, second, left, right), 0, atol=1e-6)


def test_the_error_is_how_far_both_keypoints_must_move_to_show_one_point() -> None:
    first, second = _pair()
    generator = np.random.default_rng(2)
    points = _points()
    left, right = (project(image.cam_from_world, points, image.camera) for image in (first, second))
    left, right = left + generator.normal(scale=2, size=left.shape), right + generator.normal(scale=2, size=right.shape)
    errors = _errors(first, second, left, right)

    def moved(point: np.ndarray, index: int) -> float:
        shifts = [
            project(first.cam_from_world, point[None], first.camera)[0] - left[index],
            project(second.cam_from_world, point[None], second.camera)[0] - right[index],
        ]
        return float(np.sum(np.square(shifts)))

    best = [minimize(moved, points[i], args=(i,), tol=1e-12, method="Nelder-Mead").fun for i in range(len(points))]
    np.testing.assert_allclose(errors, np.sqrt(best), rtol=0.03, atol=0.02)


def test_a_keypoint_off_its_epipolar_line_is_as_far_as_it_was_moved() -> None:
    camera = CAMERAS[0]
    first, second = PosedImage("a", camera, np.eye(4)), PosedImage("b", camera, rigid(np.eye(3), [-1.0, 0, 0]))
    left, right = (project(image.cam_from_world, _points(), camera) for image in (first, second))
    for moved_px in (0.5, 3.0, 20.0):
        # Both keypoints share the correction, so that each moves by half: the distance in four dimensions.
        errors = _errors(first, second, left, right + np.array([0, moved_px]))
        np.testing.assert_allclose(errors, moved_px / np.sqrt(2) * 505 / 510, rtol=1e-6)


def test_the_order_of_the_images_does_not_matter() -> None:
    first, second = _pair()
    generator = np.random.default_rng(3)
    left, right = generator.uniform([0, 0], [640, 480], (2, 50, 2))
    np.testing.assert_allclose(_errors(first, second, left, right), _errors(second, first, right, left), rtol=1e-9)
