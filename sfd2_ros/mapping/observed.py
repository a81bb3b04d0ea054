# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a map still knows of its images: the keypoints that saw landmarks, as features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Features
from sfd2_ros.geometry.colmap_types import keypoints_from_colmap
from sfd2_ros.mapping.colmap_io import read_model
from sfd2_ros.mapping.map_store import COLMAP_FOLDER

if TYPE_CHECKING:
    from sfd2_ros.mapping.map_store import Map


def observed_features(map_: Map) -> list[Features]:
    """Return the features of each image of a map, in its order, as far as the map has kept them.

    A keypoint has the descriptor and the stability of its landmark, which are means over all images that saw it.

    Raises:
        SceneError: the COLMAP model of the map cannot be read.
    """
    model = read_model(map_.folder / COLMAP_FOLDER)
    row_of = {point_id: row for row, point_id in enumerate(sorted(model.points3D))}
    observed = []
    for image in map_.images:
        points = [point for point in model.find_image_with_name(image.name).points2D if point.has_point3D()]
        rows = np.array([row_of[point.point3D_id] for point in points], np.int64)
        keypoints = keypoints_from_colmap(np.array([point.xy for point in points]).reshape(-1, 2))
        stability = np.asarray(map_.landmarks.stability[rows], np.float32)
        observed.append(
            Features(
                keypoints=keypoints.astype(np.float32),
                scores=stability.copy(),
                stability=stability,
                descriptors=map_.landmarks.descriptors[rows],
                image_size=(image.camera.height, image.camera.width),
                weights_id=map_.weights_id,
            )
        )
    return observed
