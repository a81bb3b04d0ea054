# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the poses that a map was made from are as exact as its keypoints.

The covariance of a localized pose comes from keypoints and landmarks. It cannot know that the poses of the map are off
by centimetres, as poses of GNSS and odometry are, and rarely those of a bundle adjustment: landmarks triangulated from
them are off alike, and every residual looks well. But the images of the map can be asked. Each is measured by its
landmarks as the other images alone place them, with the covariance that a query would get; its pose in the map is the
truth. How much farther apart the two are than the covariance says is what this map's covariances lack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.noise import NoiseConfig
from sfd2_ros.core.transforms import inverse, vector_from_rotation
from sfd2_ros.geometry.mixture import measure_pose
from sfd2_ros.geometry.projection import image_points
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.mapping.observations import Seen, seen_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WINDOW_PX = 8.0
"""Reach of the measurement: that of the search (matching.max_error_px by default)."""
_MIN_VIEWS = 3
"""Images that must see a landmark: the one that is measured and two others that place it."""
_LOOSEST_SHARE = 1e-9
"""Information added along the axes where the other images have none, as a fraction of theirs, so that it can be
inverted."""
_LEAST_SHARE = 1e-6
"""Of what all images say of a landmark; below, what the others say is lost in rounding (a landmark at a centre)."""
_MIN_LANDMARKS = 30
"""Landmarks that an image must share with others for its covariance to mean something. Not tuned."""
_MIN_IMAGES, _MAX_IMAGES = 5, 100
"""Fewer give no median; of more, a hundred are measured, to bound the time. Not tuned."""
_MEDIAN_OF_CHI_SQUARE_6 = 5.348
"""Of the squared normalised errors of exact poses with six degrees of freedom."""


def reference_pose_nees(reconstruction: Any, image_ids: Sequence[int]) -> float | None:
    """Measure by how much the poses of a map disagree with its landmarks.

    Args:
        reconstruction: pycolmap.Reconstruction.
        image_ids: the map's images; a hundred of them, evenly, are asked.

    Returns:
        Median of the squared normalised errors (NEES) of the images' poses, as a multiple of what it is where poses
        are exact; None when fewer than five images see enough landmarks that two others saw.
    """
    point_ids = sorted(reconstruction.points3D)
    row_of_point = {point_id: row for row, point_id in enumerate(point_ids)}
    positions = np.array([reconstruction.point3D(point_id).xyz for point_id in point_ids]).reshape(-1, 3)
    information, pulls = np.zeros((len(positions), 3, 3)), np.zeros((len(positions), 3))
    views = np.zeros(len(positions), np.int64)
    for image_id in image_ids:
        seen = seen_in(reconstruction, image_id, positions, row_of_point)
        own_information, own_pulls = _said_by(seen)
        np.add.at(information, seen.rows, own_information)
        np.add.at(pulls, seen.rows, own_pulls)
        np.add.at(views, seen.rows, 1)
    asked = np.unique(np.linspace(0, len(image_ids) - 1, min(len(image_ids), _MAX_IMAGES)).astype(int))
    squares = []
    for number in asked:
        seen = seen_in(reconstruction, image_ids[number], positions, row_of_point)
        own_information, own_pulls = _said_by(seen)
        others = information[seen.rows] - own_information
        is_told = np.trace(others, axis1=1, axis2=2) > _LEAST_SHARE * np.trace(information[seen.rows], axis1=1, axis2=2)
        shared = (views[seen.rows] >= _MIN_VIEWS) & is_told
        square = _squared_error(seen, positions, others, pulls[seen.rows] - own_pulls, shared)
        squares += [] if square is None else [square]
    return float(np.median(squares) / _MEDIAN_OF_CHI_SQUARE_6) if len(squares) >= _MIN_IMAGES else None


def _said_by(seen: Seen) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what an image says of its landmarks: information (M, 3, 3), and where its keypoints pull them (M, 3)."""
    by_point = seen.by_point()
    residual = seen.keypoints - image_points(seen.camera, seen.in_camera)
    return by_point.transpose(0, 2, 1) @ by_point, np.einsum("nki,nk->ni", by_point, residual)


def _squared_error(
    seen: Seen,
    positions: NDArray[np.float64],
    information: NDArray[np.float64],
    pulls: NDArray[np.float64],
    shared: NDArray[np.bool_],
) -> float | None:
    """Return the squared normalised error of an image's pose, measured by landmarks as the other images place them."""
    loosest = _LOOSEST_SHARE * np.trace(information[shared], axis1=1, axis2=2)  # others may see along one ray alone
    covariances = np.linalg.inv(information[shared] + loosest[:, None, None] * np.eye(3))
    placed = positions[seen.rows[shared]] + np.einsum("nij,nj->ni", covariances, pulls[shared])
    in_camera = placed @ seen.cam_from_map[:3, :3].T + seen.cam_from_map[:3, 3]
    errors_px = np.linalg.norm(seen.keypoints[shared] - image_points(seen.camera, in_camera), axis=1)
    near = errors_px <= _WINDOW_PX  # NaN, behind the camera, is not
    if near.sum() < _MIN_LANDMARKS:
        return None
    noise = NoiseConfig()
    observed = Observations(
        seen.keypoints[shared][near],
        placed[near],
        noise.landmark_sigma_px**2 * covariances[near],
        seen.camera,
        noise.sigma_px,
    )
    measured = measure_pose(seen.cam_from_map, [observed], window_px=_WINDOW_PX)
    if measured.covariance is None:
        return None
    found, given = inverse(measured.body_from_map), inverse(seen.cam_from_map)
    error = np.concatenate([found[:3, 3] - given[:3, 3], vector_from_rotation(found @ inverse(given))])
    return float(error @ np.linalg.solve(measured.covariance, error))
