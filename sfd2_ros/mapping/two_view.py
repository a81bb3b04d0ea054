# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Matches between two map images with known poses: what agrees with the epipolar geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, skew
from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, PosedImage


def bearings(camera: Camera, keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (N, 3) rays x/z, y/z, 1 of keypoints (N, 2) in pixels, distortion undone; NaN where it cannot be."""
    if len(keypoints) == 0:
        return np.empty((0, 3))
    plane = np.asarray(colmap_camera(camera).cam_from_img(colmap_points(keypoints)), dtype=np.float64)
    return np.column_stack([plane, np.ones(len(plane))])


def sampson_error_px(
    first: PosedImage, second: PosedImage, rays_first: NDArray[np.float64], rays_second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (M,) distances from the epipolar geometry of two known poses, in pixels.

    Args:
        first: pose and intrinsics of one image.
        second: of the other.
        rays_first: (M, 3) matched rays of the first image, from `bearings`.
        rays_second: (M, 3) matched rays of the second image.

    Source: Hartley and Zisserman, Multiple View Geometry, 11.4.3, in normalised coordinates, times the focal length.
    """
    second_from_first = second.cam_from_world @ inverse(first.cam_from_world)
    essential = skew(second_from_first[:3, 3]) @ second_from_first[:3, :3]
    lines_second = rays_first @ essential.T
    lines_first = rays_second @ essential
    residual = np.sum(rays_second * lines_second, axis=1)
    gradient = np.sqrt((lines_second[:, :2] ** 2).sum(axis=1) + (lines_first[:, :2] ** 2).sum(axis=1))
    focal_px = np.mean([first.camera.fx, first.camera.fy, second.camera.fx, second.camera.fy])
    error: NDArray[np.float64] = np.abs(residual) / np.maximum(gradient, 1e-12) * focal_px
    return np.where(np.isfinite(error), error, np.inf)
