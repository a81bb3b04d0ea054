# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a camera stood whose image is mirrored: the plane between its own pose and the pose that its matches agree on.

A mirrored image of a symmetric place agrees with the pose P of a camera that is reflected in the plane of symmetry.
A keypoint that matches its own landmark X disagrees with P. Under P it shows the reflection of X, so that the plane
lies halfway between X and the place where its ray meets the surface. One match gives a plane; the right ones give the
same. That finds the plane among forty times as many wrong matches, where RANSAC, which needs three right matches at
once, needs more draws than it has time for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points
from sfd2_ros.localization.pnp import solve_pnp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_PLANES = 200
"""Matches that propose a plane, distinct ones first: with one right match in thirty, six of them. Not tuned."""
_VOTE_FOCAL = 0.045
"""Radius of a vote at the image, in focal lengths: a plane of one match, whose keypoint is a few pixels off, lies some
hundredths of a radian off. 32 pixels at 700. Not tuned."""
_LEAST_DISTANCE = 0.05
"""In median depths: a landmark nearer than this to its reflection gives no direction. Not tuned."""
_SURFACE_KEYPOINTS = 3
"""Nearest inliers whose median depth is that of the surface. Not tuned."""
_VOTERS_RIGHT = 0.2
"""Fraction of the voters that agree with the pose at least; in mirrored images of herzjesu_p25 a third do."""


def pose_before_mirror(
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    surface: tuple[NDArray[np.floating], NDArray[np.float64]],
    cam_from_map: NDArray[np.float64],
    *,
    cameras: tuple[Camera, Camera],
    max_error_px: float,
) -> NDArray[np.float64] | None:
    """Return the pose (4, 4) of the image mirrored back, cam_from_map, or None.

    Args:
        keypoints: (M, 2) pixels of matches that disagree with the pose of the image as it is; distinct ones first.
        positions: (M, 3) their landmarks.
        surface: (N, 2) pixels and (N, 3) landmarks of the matches that agree.
        cam_from_map: (4, 4) that pose.
        cameras: intrinsics of the image as it is, and mirrored back.
        max_error_px: largest reprojection error of a match that agrees.
    """
    if min(len(keypoints), len(surface[0])) < _SURFACE_KEYPOINTS:
        return None
    camera = cameras[0]
    landmarks = positions @ cam_from_map[:3, :3].T + cam_from_map[:3, 3]
    depths = surface[1] @ cam_from_map[2, :3] + cam_from_map[2, 3]
    rays = np.asarray(colmap_camera(camera).cam_from_img(colmap_points(keypoints)), np.float64)[:, :2]
    near = cKDTree(surface[0]).query(keypoints, k=_SURFACE_KEYPOINTS)[1]
    shown = np.column_stack([rays, np.ones(len(rays))]) * np.median(depths[near], axis=1)[:, None]
    votes = _votes(landmarks, shown, least_m=_LEAST_DISTANCE * float(np.median(depths)))
    if votes is None:
        return None
    mirrored_back = np.column_stack([camera.width - 1 - keypoints[votes, 0], keypoints[votes, 1]])
    found = solve_pnp(
        mirrored_back, positions[votes], cameras[1], max_error_px=max_error_px, min_inlier_ratio=_VOTERS_RIGHT
    )
    return None if found is None else found.cam_from_map


def _votes(landmarks: NDArray[np.float64], shown: NDArray[np.float64], *, least_m: float) -> NDArray[np.bool_] | None:
    """Return which matches (M,) vote for the plane with most votes, or None where no match gives a plane.

    Args:
        landmarks: (M, 3) in the frame of the camera.
        shown: (M, 3) where the ray of each keypoint meets the surface, in the same frame.
        least_m: a landmark nearer than this to its reflection gives no plane.
    """
    across = landmarks - shown
    lengths = np.linalg.norm(across, axis=1)
    chosen = np.flatnonzero(lengths > least_m)[:_PLANES]
    if len(chosen) == 0:
        return None
    normals = across[chosen] / lengths[chosen, None]  # (P, 3)
    offsets = np.sum(normals * (landmarks[chosen] + shown[chosen]), axis=1) / 2
    heights = landmarks @ normals.T - offsets  # (M, P)
    # The third component first: what is reflected behind the camera gets no vote.
    depth = landmarks[:, 2, None] - 2 * heights * normals[:, 2]
    squares = np.zeros_like(depth)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for axis in (0, 1):
            reflected = landmarks[:, axis, None] - 2 * heights * normals[:, axis]
            squares += np.square(reflected / depth - (shown[:, axis] / shown[:, 2])[:, None])
        squares /= _VOTE_FOCAL**2
    weights = np.where((depth > 0) & (squares < 1), 1 - squares, 0.0)
    votes: NDArray[np.bool_] = weights[:, weights.sum(axis=0).argmax()] > 0
    return votes
