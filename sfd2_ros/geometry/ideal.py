# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lenses that COLMAP has no model of: OpenCV's with 12 or 14 coefficients (thin prism, tilted sensor).

Their keypoints are undistorted once, to a camera of the same focal lengths and centre without distortion; matching,
poses and maps are then those of that ideal camera.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features

_COLMAP_COEFFICIENTS = 8
"""Of COLMAP's FULL_OPENCV, the rational polynomial without what a prism and a tilt add."""
_ITERATIONS, _ACCURACY_PX = 200, 1e-7
"""Of the inversion, which has no closed form: far below a keypoint's noise, and reached within tens of steps."""
_MAX_RESIDUAL_PX = 0.05
"""A point that the inversion did not reach is further off; a keypoint's noise is about 1 px."""


def needs_ideal(camera: Camera) -> bool:
    """Return whether COLMAP has no model of a camera's lens."""
    return camera.distortion_model == "rational_polynomial" and len(camera.distortion) > _COLMAP_COEFFICIENTS


def ideal_camera(camera: Camera) -> Camera:
    """Return the camera without distortion for a lens that COLMAP has no model of, any other as it is."""
    return dataclasses.replace(camera, distortion_model="none", distortion=()) if needs_ideal(camera) else camera


def ideal_features(features: Features, camera: Camera) -> Features:
    """Return features whose keypoints (N, 2), pixels, are those of `ideal_camera`.

    Keypoints that cannot be undistorted stay where they are, so that indices hold; they fit no pose.
    """
    if not needs_ideal(camera) or len(features) == 0:
        return features
    raw = np.asarray(features.keypoints, np.float64)
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, _ITERATIONS, _ACCURACY_PX / camera.fx)
    coefficients = np.array(camera.distortion)
    ideal = cv2.undistortPointsIter(
        raw[:, None], camera.matrix, coefficients, np.eye(3), camera.matrix, criteria
    ).reshape(-1, 2)
    rays = np.column_stack([(ideal - [camera.cx, camera.cy]) / [camera.fx, camera.fy], np.ones(len(ideal))])
    reached = np.linalg.norm(distorted_points(camera, rays) - raw, axis=1) < _MAX_RESIDUAL_PX
    keypoints = np.where(reached[:, None], ideal, raw).astype(np.float32)
    return dataclasses.replace(features, keypoints=keypoints)


def distorted_points(camera: Camera, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project (M, 3) points in front of a camera through OpenCV's lens model to (M, 2) pixels."""
    origin = np.zeros(3)
    pixels, _ = cv2.projectPoints(in_camera[:, None], origin, origin, camera.matrix, np.array(camera.distortion))
    return np.asarray(pixels, np.float64).reshape(-1, 2)
