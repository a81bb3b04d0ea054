# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The COLMAP model of a map, made from its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap
from scipy.spatial import cKDTree

from sfd2_ros.core.errors import FeatureFileError
from sfd2_ros.geometry.colmap_types import colmap_points
from sfd2_ros.mapping.colmap_io import reconstruction_from_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.landmarks import Landmarks


KEPT_PX = 0.05
"""A keypoint of a map lies this near to the one it was made from; it is kept to 0.01 px. Not tuned."""
_MIN_KEPT_SHARE = 0.9
"""Of the observations that must have a keypoint. With the same settings all have. Not tuned."""


def model_of(
    images: Sequence[PosedImage], landmarks: Landmarks, keypoints: Sequence[NDArray[np.float32]] | None = None
) -> Any:
    """Return the pycolmap.Reconstruction of images and landmarks.

    Point ids are the rows of the landmarks plus one, image ids the indices of the images plus one; points have no
    colour.

    Args:
        images: of the map.
        landmarks: of the map.
        keypoints: of each image, (N, 2) pixels; None: those that observed a landmark.

    Raises:
        FeatureFileError: the landmarks were not observed at these keypoints.
    """
    model = reconstruction_from_poses(images)
    elements: list[list[Any]] = [[] for _ in range(len(landmarks))]
    observed = kept = 0
    for index in range(len(images)):
        seen_at, rows = landmarks.keypoints_of(index), landmarks.seen_by(index)
        of_image = seen_at if keypoints is None else keypoints[index]
        points = colmap_points(of_image)
        model.image(index + 1).points2D = pycolmap.Point2DList([pycolmap.Point2D(point) for point in points])
        numbers = np.arange(len(seen_at)) if keypoints is None else _nearest(seen_at, of_image)
        observed, kept = observed + len(numbers), kept + int(np.count_nonzero(numbers >= 0))
        for number, row in zip(numbers, rows, strict=True):
            if number >= 0:
                elements[row].append(pycolmap.TrackElement(index + 1, int(number)))
    if kept < _MIN_KEPT_SHARE * observed:
        raise FeatureFileError(
            f"{kept} of {observed} observations of the map have a keypoint among the given features; give those of the "
            "settings that the map was built with, such as --max-keypoints"
        )
    for row, (position, track) in enumerate(zip(landmarks.positions, elements, strict=True)):
        if len(track) > 1 or keypoints is None:
            point = pycolmap.Point3D(xyz=np.asarray(position, np.float64), track=pycolmap.Track(track))
            model.add_point3D_with_id(row + 1, point)
    model.update_point_3d_errors()
    return model


def _nearest(pixels: NDArray[np.float32], keypoints: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return, of each of (N, 2) pixels, the index of the keypoint of (M, 2) there; -1 where none is, or taken twice."""
    if len(keypoints) == 0:
        return np.full(len(pixels), -1)
    distances_px, found = cKDTree(keypoints).query(pixels)
    numbers = np.where(distances_px <= KEPT_PX, found, -1).astype(np.int64)
    _, first = np.unique(numbers, return_index=True)
    is_first = np.zeros(len(numbers), bool)
    is_first[first] = True
    return np.where(is_first, numbers, -1)
