# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mirrored images: of symmetric places, where a pose fits them, and of others."""

from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera
from sfd2_ros.localization.mirror import mirrored, mirrored_support
from sfd2_ros.localization.pnp import project, solve_pnp

CAMERAS = [
    Camera(640, 480, 500.0, 510.0, 300.0, 238.0),
    Camera(640, 480, 500.0, 510.0, 330.0, 238.0, "plumb_bob", (-0.1, 0.02, 0.003, -0.004)),
]
TWINS, LONE, WRONG = 150, 60, 100
POSE = inverse(rigid(rotation_from_vector([0.02, -0.2, 0.03]), [1.5, 0.2, 0.0]))
"""From the right, looking a little to the left."""


def _place(seed: int = 0, depth: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points that are symmetric about x = 0, and others; their normals; the twin of each point."""
    generator = np.random.default_rng(seed)
    half = generator.uniform([0.2, -2, 8 - depth], [4, 2, 8], (TWINS, 3))
    lone = generator.uniform([-4, -2, 8 - depth], [4, 2, 8], (LONE, 3))
    points = np.concatenate([half, half * [-1, 1, 1], lone])
    twin = np.concatenate([np.arange(TWINS) + TWINS, np.arange(TWINS), np.arange(LONE) + 2 * TWINS])
    return points, np.tile([0.0, 0.0, -1.0], (len(points), 1)), twin


def _matches(camera: Camera, *, is_mirrored: bool, depth: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keypoints, and the rows of the landmarks that they are matched with."""
    points, normals, twin = _place(depth=depth)
    generator = np.random.default_rng(1)
    seen = project(POSE, points, mirrored(camera) if is_mirrored else camera)
    seen += generator.normal(scale=0.5, size=seen.shape)
    rows = np.arange(len(points))
    if is_mirrored:
        seen[:, 0] = camera.width - 1 - seen[:, 0]
        rows = twin  # a left window's corner looks like a right window's
    wrong = generator.choice(len(rows), WRONG, replace=False)
    rows = rows.copy()
    rows[wrong] = generator.integers(0, len(points), WRONG)
    return seen, rows, normals


def _support(camera: Camera, seen: np.ndarray, rows: np.ndarray, depth: float = 2.0) -> tuple[int, int]:
    """Return how many matches agree with the pose found, and how many of the others with a mirrored image."""
    points, normals, _ = _place(depth=depth)
    found = solve_pnp(seen, points[rows], camera, max_error_px=8.0)
    assert found is not None
    left = rows[~found.is_inlier]
    back, other = _mirrored_back(seen, camera)
    count, _ = mirrored_support(back[~found.is_inlier], points[left], normals[left], other, max_error_px=8.0)
    return int(found.is_inlier.sum()), count


def _mirrored_back(seen: np.ndarray, camera: Camera) -> tuple[np.ndarray, Camera]:
    return np.column_stack([camera.width - 1 - seen[:, 0], seen[:, 1]]), mirrored(camera)


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_mirrored_image_of_a_symmetric_place_is_known_by_what_is_not_symmetric(camera: Camera) -> None:
    agreeing, others = _support(camera, *_matches(camera, is_mirrored=True)[:2])
    assert agreeing > 0.6 * 2 * TWINS
    assert others > 0.5 * LONE


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("depth", [2.0, 0.01])
def test_wrong_matches_of_an_image_agree_with_no_mirrored_one(camera: Camera, depth: float) -> None:
    agreeing, others = _support(camera, *_matches(camera, is_mirrored=False, depth=depth)[:2], depth)
    assert agreeing > 0.6 * (2 * TWINS + LONE)
    assert others < 15


def test_a_camera_behind_a_wall_is_no_mirrored_image() -> None:
    camera = CAMERAS[0]
    points, normals, _ = _place(depth=0.01)
    back, other = _mirrored_back(project(POSE, points, camera), camera)
    # Not one match is set aside: the wall itself, mirrored, fits a camera behind it.
    assert mirrored_support(back, points, normals, other, max_error_px=8.0)[0] < 15
    assert mirrored_support(back, points, -normals, other, max_error_px=8.0)[0] > 300


def test_mirroring_twice_changes_nothing_and_mirrors_what_is_seen() -> None:
    points = _place()[0]
    for camera in CAMERAS:
        assert mirrored(mirrored(camera)) == camera
        flipped = np.diag([-1.0, 1, 1, 1])
        seen, mirror = (
            project(np.eye(4), points, camera),
            project(np.eye(4), points @ flipped[:3, :3], mirrored(camera)),
        )
        np.testing.assert_allclose(mirror[:, 0], camera.width - 1 - seen[:, 0], atol=1e-9)
        np.testing.assert_allclose(mirror[:, 1], seen[:, 1], atol=1e-9)


def test_few_matches_have_no_support() -> None:
    nothing = np.zeros((3, 3))
    assert mirrored_support(nothing[:, :2], nothing, nothing, CAMERAS[0], max_error_px=8.0) == (0, None)
