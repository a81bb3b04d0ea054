# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Refine a pose by all its inliers, each weighed by how exact its keypoint and its landmark are.

A landmark that was triangulated from a short baseline is uncertain along its ray. Taken as exact it pulls the pose
away and makes it look sure; weighed by its covariance it counts for what it is: a direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.mapping.projection import image_jacobian, image_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_ROUNDS = 15
_ROBUST_DEVIATIONS = 2.0
_CONVERGED = 1e-7
_MAX_CONDITION = 1e14


@dataclass(frozen=True, eq=False)
class RefinedPose:
    """A refined pose.

    Attributes:
        cam_from_map: (4, 4).
        covariance: (6, 6) in ROS order (x, y, z, rotX, rotY, rotZ), about the axes of the map; None when the matches
            do not determine the pose.
    """

    cam_from_map: NDArray[np.float64]
    covariance: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Observations:
    """Keypoints and the landmarks that they show.

    Attributes:
        keypoints: (M, 2) pixels.
        positions: (M, 3) landmarks in the map.
        covariances: (M, 3, 3) of the positions.
        camera: intrinsics.
        sigma_px: standard deviation of a keypoint's x and y, pixels.
    """

    keypoints: NDArray[np.floating]
    positions: NDArray[np.float64]
    covariances: NDArray[np.float64]
    camera: Camera
    sigma_px: float


def refine_pose(cam_from_map: NDArray[np.float64], observed: Observations) -> RefinedPose:
    """Minimise the robust, whitened reprojection error, starting from a pose.

    With p the camera's centre and R = map_from_cam's rotation, perturbed as p + dp and exp(dtheta) R, a landmark X
    moves in the camera by -R^T dp + R^T [X - p]_x dtheta. Residuals are weighed by the inverse of
    sigma_px^2 I + J Sigma_X J^T and by Cauchy's weights; the covariance is the inverse of the normal matrix, enlarged
    where the residuals, all of them alike, are larger than assumed.

    Args:
        cam_from_map: (4, 4) start.
        observed: inliers of the start.

    Returns:
        The refined pose, or the start without covariance when the matches do not determine a pose.
    """
    pose = cam_from_map
    for _ in range(_ROUNDS):
        linear = _linearise(pose, observed)
        if linear is None:
            return RefinedPose(cam_from_map, None)
        step = np.linalg.solve(linear.normal, linear.gradient)
        map_from_cam = inverse(pose)
        pose = inverse(rigid(rotation_from_vector(step[3:]) @ map_from_cam[:3, :3], map_from_cam[:3, 3] + step[:3]))
        if np.linalg.norm(step) < _CONVERGED:
            break
    linear = _linearise(pose, observed)
    if linear is None or not np.all(np.isfinite(pose)):
        return RefinedPose(cam_from_map, None)
    covariance = np.linalg.inv(linear.normal) * max(1.0, linear.reduced_chi_square)
    return RefinedPose(pose, (covariance + covariance.T) / 2)


@dataclass(frozen=True, eq=False)
class _Linear:
    normal: NDArray[np.float64]
    gradient: NDArray[np.float64]
    reduced_chi_square: float


def _linearise(pose: NDArray[np.float64], observed: Observations) -> _Linear | None:
    if len(observed.positions) == 0:
        return None
    rotation = pose[:3, :3]
    offsets = observed.positions - inverse(pose)[:3, 3]
    in_camera = offsets @ rotation.T
    ahead = in_camera[:, 2] > 1e-3 * np.median(np.abs(in_camera[:, 2]))
    in_camera, offsets = in_camera[ahead], offsets[ahead]
    residual = observed.keypoints[ahead] - image_points(observed.camera, in_camera)
    by_landmark = image_jacobian(observed.camera, in_camera) @ rotation
    motion = np.concatenate([-by_landmark, by_landmark @ _skew_rows(offsets)], axis=2)
    noise = by_landmark @ observed.covariances[ahead] @ by_landmark.transpose(0, 2, 1)
    noise += observed.sigma_px**2 * np.eye(2)
    whitened = np.linalg.solve(noise, np.concatenate([motion, residual[:, :, None]], axis=2))
    square = np.einsum("ni,ni->n", residual, whitened[:, :, 6])
    weights = 1 / (1 + square / _ROBUST_DEVIATIONS**2)
    normal = np.einsum("n,nik,nil->kl", weights, motion, whitened[:, :, :6])
    gradient = np.einsum("n,nik,ni->k", weights, motion, whitened[:, :, 6])
    freedom = 2 * len(residual) - 6
    if freedom <= 0 or not np.all(np.isfinite(normal)) or np.linalg.cond(normal) > _MAX_CONDITION:
        return None
    return _Linear(normal, gradient, float(np.sum(square) / freedom))


def _skew_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (M, 3, 3) matrices whose products with w are vectors x w."""
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    return np.stack([np.stack(row, axis=1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], axis=1)
