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


def epipolar_arc_error_px(
    first: PosedImage, second: PosedImage, rays_first: NDArray[np.float64], rays_second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (M,) distances from where two known poses allow a match in the second image, in pixels.

    What the first camera sees along a ray appears in the second on an arc: from its direction at infinity to the first
    camera's. Unlike the epipolar line, the arc excludes points behind either camera, and is a point without a baseline.

    Args:
        first: pose and intrinsics of one image.
        second: of the other.
        rays_first: (M, 3) matched rays of the first image, from `bearings`.
        rays_second: (M, 3) matched rays of the second image.
    """
    second_from_first = second.cam_from_world @ inverse(first.cam_from_world)
    at_infinity = _unit(rays_first @ second_from_first[:3, :3].T)
    at_camera = np.broadcast_to(_unit(second_from_first[:3, 3]), at_infinity.shape)
    seen = _unit(rays_second)
    normal = _unit(np.cross(at_infinity, at_camera))
    off_plane = np.sum(seen * normal, axis=1, keepdims=True)
    foot = seen - off_plane * normal
    after = np.sum(np.cross(at_infinity, foot) * normal, axis=1) > 0
    before = np.sum(np.cross(foot, at_camera) * normal, axis=1) > 0
    to_ends = np.minimum(_angle(seen, at_infinity), _angle(seen, at_camera))
    angle = np.where(after & before, np.arcsin(np.clip(np.abs(off_plane[:, 0]), 0, 1)), to_ends)
    # A pinhole image is stretched across its rays by the length of the ray.
    error: NDArray[np.float64] = angle * np.linalg.norm(rays_second, axis=1) * (second.camera.fx + second.camera.fy) / 2
    return np.where(np.isfinite(error), error, np.inf)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of length one; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.where(lengths > 0, lengths, 1.0)
    return unit


def _angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (M,) angles between unit vectors; of a vector of zeros, a right angle."""
    angle: NDArray[np.float64] = np.arctan2(
        np.linalg.norm(np.cross(one, other), axis=1) + (np.linalg.norm(other, axis=1) == 0), np.sum(one * other, axis=1)
    )
    return angle
