# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where points in a camera's frame fall on its image, and how that moves with them; distortion included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.colmap_types import colmap_camera, keypoints_from_colmap
from sfd2_ros.geometry.ideal import distorted_points, needs_ideal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_PLANE_STEP = 1e-4
"""Of central differences at depth one: their error is of its square, 1e-8, and that of rounding less."""
_MIN_DEPTH = 1e-6
"""Points nearer than this are in the camera's centre or behind it; in metres, or units of the map."""


def in_image(camera: Camera, pixels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (M,) which of the pixels (M, 2) lie in the image; NaN do not."""
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = np.all(
            (pixels > -0.5) & (pixels < [camera.width - 0.5, camera.height - 0.5]), axis=1
        )
    return inside


def image_points(camera: Camera, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project points.

    Args:
        camera: intrinsics.
        in_camera: (M, 3) points in the optical frame.

    Returns:
        (M, 2) pixels; NaN for points that are not in front of the camera.
    """
    in_front = in_camera[:, 2] > _MIN_DEPTH
    ahead = in_camera if in_front.all() else in_camera[in_front]
    if len(ahead) == 0:
        projected = np.empty((0, 2))
    elif camera.distortion_model == "none":
        projected = ahead[:, :2] / ahead[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    elif needs_ideal(camera):
        projected = distorted_points(camera, ahead)
    else:
        projected = keypoints_from_colmap(np.asarray(colmap_camera(camera).img_from_cam(ahead), np.float64))
    if ahead is in_camera:
        return projected
    pixels = np.full((len(in_camera), 2), np.nan)
    pixels[in_front] = projected
    return pixels


def image_jacobian(camera: Camera, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (M, 2, 3) derivatives of pixels by points (M, 3) in front of the camera."""
    depth = in_camera[:, 2:, None]
    if camera.distortion_model == "none":
        pixels_a_unit = np.array([camera.fx, camera.fy]) / in_camera[:, 2:]
        jacobian = np.zeros((len(in_camera), 2, 3))
        jacobian[:, 0, 0], jacobian[:, 1, 1] = pixels_a_unit.T
        jacobian[:, :, 2] = -pixels_a_unit * in_camera[:, :2] / in_camera[:, 2:]
        return jacobian
    on_plane = in_camera[:, :2, None] / depth
    by_plane = _by_image_plane(camera, on_plane[:, :, 0])
    return np.concatenate([by_plane, -by_plane @ on_plane], axis=2) / depth


def _by_image_plane(camera: Camera, on_plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return derivatives of pixels by points (M, 2) at depth one, by central differences."""
    moved = np.ones((2, 2, len(on_plane), 3))
    for axis in (0, 1):
        for side, sign in enumerate((1, -1)):
            moved[axis, side, :, :2] = on_plane + sign * _PLANE_STEP * np.eye(2)[axis]
    # One call for all: making the library's camera costs more than projecting a few hundred points.
    pixels = image_points(camera, moved.reshape(-1, 3)).reshape(2, 2, len(on_plane), 2)
    derivatives: NDArray[np.float64] = ((pixels[:, 0] - pixels[:, 1]) / (2 * _PLANE_STEP)).transpose(1, 2, 0)
    return derivatives
