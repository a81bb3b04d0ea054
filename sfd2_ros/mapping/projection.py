# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where points in a camera's frame fall on its image, and how that moves with them; distortion included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.mapping.colmap_io import colmap_camera, keypoints_from_colmap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_RELATIVE_STEP = 1e-4
_MIN_DEPTH = 1e-6


def image_points(camera: Camera, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project points.

    Args:
        camera: intrinsics.
        in_camera: (M, 3) points in the optical frame.

    Returns:
        (M, 2) pixels; NaN for points that are not in front of the camera.
    """
    pixels = np.full((len(in_camera), 2), np.nan)
    in_front = in_camera[:, 2] > _MIN_DEPTH
    if in_front.any():
        projected = np.asarray(colmap_camera(camera).img_from_cam(in_camera[in_front]), np.float64)
        pixels[in_front] = keypoints_from_colmap(projected)
    return pixels


def image_jacobian(camera: Camera, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (M, 2, 3) derivatives of pixels by points (M, 3) in front of the camera, by central differences."""
    step = _RELATIVE_STEP * in_camera[:, 2]
    moved = np.stack([in_camera + sign * step[:, None] * axis for axis in np.eye(3) for sign in (1, -1)])
    # One call for all: making the library's camera costs more than projecting a few hundred points.
    pixels = image_points(camera, moved.reshape(-1, 3)).reshape(3, 2, len(in_camera), 2)
    jacobian: NDArray[np.float64] = ((pixels[:, 0] - pixels[:, 1]) / (2 * step[:, None])).transpose(1, 2, 0)
    return jacobian
