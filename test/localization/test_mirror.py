# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mirrored images: of symmetric places, where a pose fits them, and of others."""

from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.core.types import Camera
from sfd2_ros.localization.mirror import mirrored, row_support
from sfd2_ros.localization.mirror_plane import pose_before_mirror
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


def _mirrored_back_pose(camera: Camera, seen: np.ndarray, rows: np.ndarray, depth: float = 2.0) -> np.ndarray | None:
    """Return the pose of the image mirrored back that the matches which disagree with its own pose propose."""
    points, _, _ = _place(depth=depth)
    found = solve_pnp(seen, points[rows], camera, max_error_px=8.0)
    assert found is not None
    agrees, left = found.is_inlier, ~found.is_inlier
    surface = (seen[agrees], points[rows[agrees]])
    cameras = (camera, mirrored(camera))
    return pose_before_mirror(
        seen[left], points[rows[left]], surface, found.cam_from_map, cameras=cameras, max_error_px=8.0
    )


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("lone", [LONE, 12])
def test_what_is_not_symmetric_shows_where_the_camera_of_a_mirrored_image_stood(camera: Camera, lone: int) -> None:
    seen, rows, _ = _matches(camera, is_mirrored=True)
    kept = np.arange(2 * TWINS + lone)  # with 12, one in nine of the doubted matches is right
    pose = _mirrored_back_pose(camera, seen[kept], rows[kept])
    assert pose is not None
    moved = pose @ inverse(POSE)
    assert np.linalg.norm(inverse(moved)[:3, 3]) < 0.1
    assert rotation_angle_rad(moved) < 0.02


def test_three_matches_show_no_mirrored_image() -> None:
    nothing = np.zeros((2, 3))
    cameras = (CAMERAS[0], mirrored(CAMERAS[0]))
    surface = (np.zeros((5, 2)), np.ones((5, 3)))
    assert pose_before_mirror(nothing[:, :2], nothing, surface, np.eye(4), cameras=cameras, max_error_px=8.0) is None


@pytest.mark.parametrize("seed", range(20))
def test_matches_in_no_row_are_no_support(seed: int) -> None:
    generator = np.random.default_rng(seed)
    offsets_px = generator.uniform(-16, 16, (900, 2))
    assert row_support(offsets_px[np.hypot(*offsets_px.T) <= 16], 16.0) == 0


def test_support_is_what_lies_in_rows_beyond_chance() -> None:
    generator = np.random.default_rng(0)
    wrong = generator.uniform(-16, 16, (600, 2))
    wrong = wrong[np.hypot(*wrong.T) <= 16]
    beside = np.column_stack([generator.choice([-4.0, 4.0], 300), generator.normal(scale=1.0, size=300)])
    assert 220 < row_support(np.concatenate([wrong, beside]), 16.0) < 300
    assert row_support(np.concatenate([wrong, beside[:, ::-1]]), 16.0) == 0
    assert row_support(np.empty((0, 2)), 16.0) == 0


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
