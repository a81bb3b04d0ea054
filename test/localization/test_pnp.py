# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses from matches that may be wrong, and projection, against synthetic truth and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.core.types import Camera
from sfd2_ros.localization.pnp import project, reprojection_errors_px, solve_pnp

CAMERAS = [
    Camera(640, 480, 500, 510, 322, 238),
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.15, 0.05, 0.002, -0.001)),
    Camera(640, 480, 500, 510, 322, 238, "plumb_bob", (-0.15, 0.05, 0.002, -0.001, 0.01)),
    Camera(640, 480, 500, 510, 322, 238, "rational_polynomial", (0.1, -0.02, 0.001, 0.002, 0.03, 0.01, 0.02, 0.005)),
    Camera(640, 480, 300, 310, 322, 238, "equidistant", (0.05, 0.002, -0.001, 0.0003)),
]
POSE = inverse(rigid(rotation_from_vector([0.2, -0.4, 0.1]), [3.0, -1.0, 0.5]))
by_model = pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: f"{c.distortion_model}{len(c.distortion)}")


def _seen(camera: Camera, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints and positions of points in view."""
    generator = np.random.default_rng(seed)
    in_camera = np.column_stack([generator.uniform(-0.55, 0.55, (count, 2)), np.ones(count)])
    in_camera *= generator.uniform(3, 20, (count, 1))
    positions = in_camera @ inverse(POSE)[:3, :3].T + inverse(POSE)[:3, 3]
    return project(POSE, positions, camera), positions


def _off(pose: np.ndarray) -> tuple[float, float]:
    moved = inverse(pose) @ POSE
    return float(np.linalg.norm(inverse(pose)[:3, 3] - inverse(POSE)[:3, 3])), rotation_angle_rad(moved)


@by_model
def test_projection_is_that_of_opencv(camera: Camera) -> None:
    keypoints, positions = _seen(camera, 50)
    fisheye = camera.distortion_model == "equidistant"
    function = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    turn, _ = cv2.Rodrigues(POSE[:3, :3])
    coefficients = np.array(camera.distortion or (0.0,) * 4)
    expected, _ = function(positions.reshape(-1, 1, 3), turn, POSE[:3, 3], camera.matrix, coefficients)
    np.testing.assert_allclose(keypoints, np.asarray(expected).reshape(-1, 2), atol=1e-7)


@by_model
@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.75])
def test_the_pose_is_found_among_wrong_matches(camera: Camera, wrong: float) -> None:
    keypoints, positions = _seen(camera, 200)
    generator = np.random.default_rng(1)
    keypoints = keypoints + generator.normal(scale=0.7, size=keypoints.shape)
    count = int(wrong * 200)
    keypoints[:count] = generator.uniform([0, 0], [640, 480], (count, 2))
    solution = solve_pnp(keypoints, positions, camera, max_error_px=6)
    assert solution is not None
    position, angle = _off(solution.cam_from_map)
    assert position < 0.1
    assert angle < 0.01
    assert solution.is_inlier[count:].mean() > 0.98
    assert solution.is_inlier[:count].sum() <= 0.03 * 200


@by_model
def test_exact_matches_give_the_exact_pose(camera: Camera) -> None:
    solution = solve_pnp(*_seen(camera, 30), camera, max_error_px=4)
    assert solution is not None
    assert max(_off(solution.cam_from_map)) < 1e-5
    assert solution.is_inlier.all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_than_four_matches_have_no_pose(count: int) -> None:
    keypoints, positions = _seen(CAMERAS[0], count)
    assert solve_pnp(keypoints.reshape(-1, 2), positions.reshape(-1, 3), CAMERAS[0], max_error_px=4) is None


def test_the_answer_is_the_same_every_time() -> None:
    keypoints, positions = _seen(CAMERAS[1], 100)
    keypoints = np.random.default_rng(0).permutation(keypoints[:60]).tolist() + keypoints[60:].tolist()
    answers = [solve_pnp(np.array(keypoints), positions, CAMERAS[1], max_error_px=6) for _ in range(3)]
    for answer in answers[1:]:
        assert answer is not None
        assert answers[0] is not None
        np.testing.assert_array_equal(answer.cam_from_map, answers[0].cam_from_map)
        np.testing.assert_array_equal(answer.is_inlier, answers[0].is_inlier)


@pytest.mark.parametrize(
    "positions",
    [
        np.ones((20, 3)),
        np.column_stack([np.linspace(0, 5, 20), np.zeros(20), np.full(20, 9.0)]),
        np.full((20, 3), 1e12),
        np.zeros((20, 3)),
    ],
    ids=["one point", "a line", "far away", "the origin"],
)
def test_matches_that_determine_no_pose_end_in_none_or_a_finite_one(positions: np.ndarray) -> None:
    keypoints = np.random.default_rng(0).uniform([0, 0], [640, 480], (20, 2))
    solution = solve_pnp(keypoints, positions, CAMERAS[0], max_error_px=4)
    assert solution is None or np.all(np.isfinite(solution.cam_from_map))


@by_model
def test_points_behind_the_camera_have_no_pixel_and_no_finite_error(camera: Camera) -> None:
    positions = np.array([[0, 0, 5.0], [0, 0, -5.0], [0, 0, 0.0], [1, 1, -1e-9], [1, 1, 1e-9], [2, 1, -1]])
    pixels = project(np.eye(4), positions, camera)
    np.testing.assert_allclose(pixels[0], [322, 238], atol=1e-9)
    assert np.isnan(pixels[1:]).all()
    errors = reprojection_errors_px(np.eye(4), np.zeros((6, 2)), positions, camera)
    assert np.isfinite(errors[0])
    assert np.isinf(errors[1:]).all()


def test_errors_are_distances() -> None:
    keypoints, positions = _seen(CAMERAS[2], 10)
    errors = reprojection_errors_px(POSE, keypoints + np.array([3.0, 4.0]), positions, CAMERAS[2])
    np.testing.assert_allclose(errors, 5, atol=1e-9)
    assert project(POSE, np.empty((0, 3)), CAMERAS[0]).shape == (0, 2)
