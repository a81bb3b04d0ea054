# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera pose from 2D-3D matches that may be wrong: LO-RANSAC by COLMAP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pycolmap

from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points, matrix_from_rigid3d, rigid3d_from_matrix
from sfd2_ros.geometry.projection import image_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_MIN_POINTS = 4
"""Three fix a calibrated pose up to four solutions, a fourth selects one (P3P)."""
_SEED = 0
"""Of RANSAC: the same image always gives the same pose."""
MIN_INLIER_RATIO = 0.01
"""Fraction of inliers that RANSAC still looks for. COLMAP's default for absolute poses, 0.1, ends searches where one
match in thirty is right; at 0.01 the number of trials ends them."""
_MAX_TRIALS = 10_000
"""Of the generalised solver: COLMAP's default for one camera, so that a rig is searched as long as a camera."""
_FREE_FOCAL_TRIALS = 1000
"""Draws for the pose with a free focal length: its matches are distinct ones, of which most are right. Not tuned."""


@dataclass(frozen=True, eq=False)
class PnpSolution:
    """A pose and what agrees with it.

    Attributes:
        cam_from_map: (4, 4); of a rig, that of the body which carries the cameras.
        is_inlier: (M,) bool, over the matches offered.
    """

    cam_from_map: NDArray[np.float64]
    is_inlier: NDArray[np.bool_]

    def moved(self, body_from_cam: NDArray[np.float64]) -> PnpSolution:
        """Return the same solution for a body (4, 4) that the camera is fixed to."""
        return PnpSolution(body_from_cam @ self.cam_from_map, self.is_inlier)


def solve_pnp(
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    camera: Camera,
    *,
    max_error_px: float,
    min_inlier_ratio: float = MIN_INLIER_RATIO,
) -> PnpSolution | None:
    """Find the pose that most matches agree with.

    Args:
        keypoints: (M, 2) pixels.
        positions: (M, 3) matched landmarks.
        camera: intrinsics.
        max_error_px: largest reprojection error of an inlier.
        min_inlier_ratio: a pose with fewer inliers need not be found; the higher, the sooner the search ends.

    Returns:
        The pose with its inliers, or None when no pose fits four matches.
    """
    if len(keypoints) < _MIN_POINTS:
        return None
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error = max_error_px
    options.ransac.min_inlier_ratio = min_inlier_ratio
    options.ransac.random_seed = _SEED
    answer = pycolmap.estimate_and_refine_absolute_pose(
        colmap_points(keypoints), np.asarray(positions, np.float64), colmap_camera(camera), options
    )
    if answer is None:
        return None
    return PnpSolution(matrix_from_rigid3d(answer["cam_from_world"]), np.asarray(answer["inlier_mask"], bool))


def solve_pnp_free_focal(
    keypoints: NDArray[np.floating], positions: NDArray[np.float64], camera: Camera, *, max_error_px: float
) -> tuple[NDArray[np.float64], float] | None:
    """Find the pose and the focal length that most matches agree with.

    Args:
        keypoints: (M, 2) pixels.
        positions: (M, 3) matched landmarks.
        camera: intrinsics; the ratio of fx to fy, the principal point and the distortion are kept.
        max_error_px: largest reprojection error of an inlier.

    Returns:
        cam_from_map (4, 4) and the ratio of the focal length to the camera's, or None when nothing fits four matches.
    """
    if len(keypoints) < _MIN_POINTS:
        return None
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.estimate_focal_length = True
    options.ransac.max_error = max_error_px
    options.ransac.random_seed = _SEED
    options.ransac.max_num_trials = _FREE_FOCAL_TRIALS
    fitted = colmap_camera(camera)
    answer = pycolmap.estimate_absolute_pose(
        colmap_points(keypoints), np.asarray(positions, np.float64), fitted, options
    )
    if answer is None:
        return None
    scale = float(fitted.mean_focal_length() / colmap_camera(camera).mean_focal_length())
    return matrix_from_rigid3d(answer["cam_from_world"]), scale


def solve_rig_pnp(
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    view_of: NDArray[np.integer],
    *,
    cameras: Sequence[Camera],
    cams_from_body: Sequence[NDArray[np.float64]],
    max_error_px: float,
    min_inlier_ratio: float = MIN_INLIER_RATIO,
) -> PnpSolution | None:
    """Find the pose of a body with several cameras that most matches of all of them agree with.

    Args:
        keypoints: (M, 2) pixels.
        positions: (M, 3) matched landmarks.
        view_of: (M,) which camera saw each; at least two different ones.
        cameras: intrinsics.
        cams_from_body: (4, 4) each.
        max_error_px: largest reprojection error of an inlier.
        min_inlier_ratio: see `solve_pnp`.

    Returns:
        The pose of the body with its inliers, or None when no pose fits four matches.
    """
    if len(keypoints) < _MIN_POINTS:
        return None
    options = pycolmap.RANSACOptions()
    options.max_error = max_error_px
    options.min_inlier_ratio = min_inlier_ratio
    options.max_num_trials = _MAX_TRIALS
    options.min_num_trials = 100
    options.random_seed = _SEED
    answer = pycolmap.estimate_and_refine_generalized_absolute_pose(
        colmap_points(keypoints),
        np.asarray(positions, np.float64),
        view_of.tolist(),
        [rigid3d_from_matrix(pose) for pose in cams_from_body],
        [colmap_camera(camera) for camera in cameras],
        options,
    )
    if answer is None:
        return None
    return PnpSolution(matrix_from_rigid3d(answer["rig_from_world"]), np.asarray(answer["inlier_mask"], bool))


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
    return image_points(camera, in_camera)


def reprojection_errors_px(
    cam_from_map: NDArray[np.float64],
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    camera: Camera,
) -> NDArray[np.float64]:
    """Return (M,) distances in pixels between keypoints and projected landmarks; infinite behind the camera."""
    error = np.linalg.norm(project(cam_from_map, positions, camera) - keypoints, axis=1)
    return np.where(np.isfinite(error), error, np.inf)
