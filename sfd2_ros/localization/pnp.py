# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera pose from 2D-3D matches: LO-RANSAC and refinement by COLMAP, covariance by the reprojection Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.transforms import inverse, skew
from sfd2_ros.mapping.colmap_io import (
    colmap_camera,
    colmap_points,
    keypoints_from_colmap,
    matrix_from_rigid3d,
    rigid3d_from_matrix,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_MIN_POINTS = 4
_SEED = 0
_DIFFERENCE_STEP = 1e-4


@dataclass(frozen=True, eq=False)
class PnpSolution:
    """A pose and what agrees with it.

    Attributes:
        cam_from_map: (4, 4).
        is_inlier: (M,) bool, over the matches offered.
    """

    cam_from_map: NDArray[np.float64]
    is_inlier: NDArray[np.bool_]


def solve_pnp(
    keypoints: NDArray[np.floating], positions: NDArray[np.float64], camera: Camera, *, max_error_px: float
) -> PnpSolution | None:
    """Find the pose that most matches agree with.

    Args:
        keypoints: (M, 2) pixels.
        positions: (M, 3) matched landmarks.
        camera: intrinsics.
        max_error_px: largest reprojection error of an inlier.

    Returns:
        The pose with its inliers, or None when no pose fits four matches.
    """
    if len(keypoints) < _MIN_POINTS:
        return None
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error = max_error_px
    options.ransac.min_inlier_ratio = 0.01
    options.ransac.random_seed = _SEED
    answer = pycolmap.estimate_and_refine_absolute_pose(
        colmap_points(keypoints), np.asarray(positions, np.float64), colmap_camera(camera), options
    )
    if answer is None:
        return None
    return PnpSolution(matrix_from_rigid3d(answer["cam_from_world"]), np.asarray(answer["inlier_mask"], bool))


def refine_pose(
    cam_from_map: NDArray[np.float64],
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    camera: Camera,
) -> NDArray[np.float64]:
    """Minimise the robust reprojection error of all given matches, starting from a pose.

    Args:
        cam_from_map: (4, 4) start.
        keypoints: (M, 2) pixels, inliers of the start.
        positions: (M, 3) matched landmarks.
        camera: intrinsics.

    Returns:
        (4, 4) refined cam_from_map; the start itself when there are fewer than four matches.
    """
    if len(keypoints) < _MIN_POINTS:
        return cam_from_map
    answer = pycolmap.refine_absolute_pose(
        rigid3d_from_matrix(cam_from_map),
        colmap_points(keypoints),
        np.asarray(positions, np.float64),
        np.ones(len(keypoints), bool),
        colmap_camera(camera),
    )
    return cam_from_map if answer is None else matrix_from_rigid3d(answer["cam_from_world"])


def project(cam_from_map: NDArray[np.float64], positions: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Project landmarks into an image.

    Args:
        cam_from_map: (4, 4).
        positions: (M, 3).
        camera: intrinsics, distortion included.

    Returns:
        (M, 2) pixels; NaN for landmarks that are not in front of the camera.
    """
    in_camera = np.asarray(positions, np.float64) @ cam_from_map[:3, :3].T + cam_from_map[:3, 3]
    pixels = np.full((len(in_camera), 2), np.nan)
    in_front = in_camera[:, 2] > 1e-6
    if in_front.any():
        pixels[in_front] = _image_points(colmap_camera(camera), in_camera[in_front])
    return pixels


def reprojection_errors_px(
    cam_from_map: NDArray[np.float64],
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    camera: Camera,
) -> NDArray[np.float64]:
    """Return (M,) distances in pixels between keypoints and projected landmarks; infinite behind the camera."""
    error = np.linalg.norm(project(cam_from_map, positions, camera) - keypoints, axis=1)
    return np.where(np.isfinite(error), error, np.inf)


def pose_covariance(
    cam_from_map: NDArray[np.float64],
    positions: NDArray[np.float64],
    camera: Camera,
    *,
    sigma_px: float,
) -> NDArray[np.float64] | None:
    """Return how uncertain a pose is, given independent pixel noise on its inliers.

    With p the camera's centre and R = map_from_cam's rotation, perturbed as p + dp and exp(dtheta) R, a landmark X
    moves in the camera by -R^T dp + R^T [X - p]_x dtheta; the covariance is sigma^2 (J^T J)^-1.

    Args:
        cam_from_map: (4, 4).
        positions: (M, 3) inlier landmarks.
        camera: intrinsics.
        sigma_px: standard deviation of a keypoint's x and y, pixels.

    Returns:
        (6, 6) in ROS order (x, y, z, rotX, rotY, rotZ), about the axes of the map; None when the matches do not
        determine the pose.
    """
    map_from_cam = inverse(cam_from_map)
    rotation_transposed = cam_from_map[:3, :3]
    offsets = np.asarray(positions, np.float64) - map_from_cam[:3, 3]
    in_camera = offsets @ rotation_transposed.T
    by_point = _projection_jacobian(colmap_camera(camera), in_camera)
    motion = np.empty((len(offsets), 3, 6))
    motion[:, :, :3] = -rotation_transposed
    motion[:, :, 3:] = np.einsum("ij,njk->nik", rotation_transposed, np.array([skew(one) for one in offsets]))
    jacobian = np.einsum("nij,njk->nik", by_point, motion).reshape(-1, 6)
    information = jacobian.T @ jacobian
    if not np.all(np.isfinite(information)) or np.linalg.cond(information) > 1e14:
        return None
    covariance: NDArray[np.float64] = sigma_px**2 * np.linalg.inv(information)
    return (covariance + covariance.T) / 2


def _projection_jacobian(camera: Any, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (M, 2, 3) derivatives of pixels by points in the camera, by central differences relative to depth."""
    jacobian = np.empty((len(in_camera), 2, 3))
    step = _DIFFERENCE_STEP * np.abs(in_camera[:, 2:])
    for axis in range(3):
        shift = np.zeros_like(in_camera)
        shift[:, axis] = step[:, 0]
        forward, backward = (_image_points(camera, in_camera + sign * shift) for sign in (1, -1))
        jacobian[:, :, axis] = (forward - backward) / (2 * step)
    return jacobian


def _image_points(camera: Any, in_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    return keypoints_from_colmap(np.asarray(camera.img_from_cam(in_camera), np.float64))
