# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The COLMAP model of a map, made from its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.geometry.colmap_types import colmap_points
from sfd2_ros.mapping.colmap_io import reconstruction_from_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.landmarks import Landmarks


def model_of(images: Sequence[PosedImage], landmarks: Landmarks) -> Any:
    """Return the pycolmap.Reconstruction of images and landmarks.

    Point ids are the rows of the landmarks plus one, image ids the indices of the images plus one. Its keypoints are
    those that observed a landmark; points have no colour.
    """
    model = reconstruction_from_poses(images)
    elements: list[list[Any]] = [[] for _ in range(len(landmarks))]
    for index in range(len(images)):
        points = colmap_points(landmarks.keypoints_of(index))
        model.image(index + 1).points2D = pycolmap.Point2DList([pycolmap.Point2D(point) for point in points])
        for number, row in enumerate(landmarks.seen_by(index)):
            elements[row].append(pycolmap.TrackElement(index + 1, number))
    for row, (position, track) in enumerate(zip(landmarks.positions, elements, strict=True)):
        point = pycolmap.Point3D(xyz=np.asarray(position, np.float64), track=pycolmap.Track(track))
        model.add_point3D_with_id(row + 1, point)
    model.update_point_3d_errors()
    return model
