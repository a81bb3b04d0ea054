# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks from a reconstruction and the features of its images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.colmap_types import matrix_from_rigid3d
from sfd2_ros.mapping.information import packed_factors
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.observations import seen_in
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import quantise_rows
from sfd2_ros.mapping.unit_rows import encode_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

_LOOSEST_SIGMA_DEPTHS = 100.0
"""Standard deviation, in depths, of the prior that keeps the covariance without parallax finite. Not tuned."""


def gather_landmarks(
    reconstruction: Any, image_ids: list[int], features: Mapping[int, Features], *, bits: int
) -> Landmarks:
    """Collect the points of a reconstruction with the descriptors of their observations.

    Args:
        reconstruction: pycolmap.Reconstruction; an image's points2D are its features, in order.
        image_ids: the map's images, in the order of the map.
        features: by image id.
        bits: of a descriptor's component.
    """
    row_of = {image_id: row for row, image_id in enumerate(image_ids)}
    point_ids = sorted(reconstruction.points3D)
    centres = {
        image_id: inverse(matrix_from_rigid3d(reconstruction.image(image_id).cam_from_world()))[:3, 3]
        for image_id in image_ids
    }
    dimension = features[image_ids[0]].descriptors.shape[1]
    descriptors = np.zeros((len(point_ids), dimension), np.float32)
    stability = np.zeros(len(point_ids), np.float32)
    normals = np.zeros((len(point_ids), 3), np.float32)
    positions = np.array([reconstruction.point3D(point_id).xyz for point_id in point_ids]).reshape(-1, 3)
    seen: list[dict[int, NDArray[np.float32]]] = [{} for _ in image_ids]
    for row, point_id in enumerate(point_ids):
        elements = reconstruction.point3D(point_id).track.elements
        for element in elements:
            observed = features[element.image_id]
            descriptors[row] += observed.descriptors[element.point2D_idx]
            stability[row] += observed.stability[element.point2D_idx] / len(elements)
            away = centres[element.image_id] - positions[row]
            normals[row] += away / np.linalg.norm(away)
            seen[row_of[element.image_id]].setdefault(row, observed.keypoints[element.point2D_idx])
    keypoints = [one[landmark] for one in seen for landmark in sorted(one)]
    return Landmarks(
        positions=positions,
        information=_information(reconstruction, image_ids, positions, {p: row for row, p in enumerate(point_ids)}),
        descriptors=quantise_rows(descriptors, bits),
        stability=stability,
        normals=encode_rows(normals),
        sessions_seen=np.ones(len(positions), np.uint8),
        sessions_expected=np.ones(len(positions), np.uint8),
        image_offsets=np.cumsum([0, *map(len, seen)]).astype(np.int64),
        image_landmarks=np.array([landmark for one in seen for landmark in sorted(one)], np.int32),
        image_keypoints=encode_pixels(np.array(keypoints).reshape(-1, 2)),
    )


def _information(
    reconstruction: Any, image_ids: list[int], positions: NDArray[np.float64], row_of_point: dict[int, int]
) -> NDArray[np.float16]:
    """Return (L, 6) the information of all observations about the positions, each exact to one pixel, packed."""
    information = np.zeros((len(positions), 3, 3))
    for image_id in image_ids:
        seen = seen_in(reconstruction, image_id, positions, row_of_point)
        by_point = seen.by_point()
        np.add.at(information, seen.rows, by_point.transpose(0, 2, 1) @ by_point)
        # A point seen along one ray alone has no depth at all; a loose prior keeps its covariance finite.
        loosest = (_LOOSEST_SIGMA_DEPTHS * seen.in_camera[:, 2]) ** -2.0
        np.add.at(information, seen.rows, loosest[:, None, None] * np.eye(3))
    return packed_factors(information)
