# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks: triangulated points with one descriptor each, and which image saw which of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.colmap_types import matrix_from_rigid3d
from sfd2_ros.mapping.observations import seen_in
from sfd2_ros.mapping.unit_rows import UnitRows, encode_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features


# A symmetric (3, 3) matrix is kept as its upper triangle: which of the six an entry is, and which entries the six are.
_SYMMETRIC = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
_UPPER = ([0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2])
_LOOSEST_SIGMA_DEPTHS = 100.0
"""Standard deviation, in depths, of the prior that keeps the covariance without parallax finite. Not tuned."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The points of a map, as memory-mappable arrays.

    Attributes:
        positions: (L, 3) float64 in the map's frame and units.
        covariances: (L, 6) float32, uncertainty of the positions as xx, xy, xz, yy, yz, zz, squared units of the map,
            for keypoints that are exact to one pixel.
        descriptors: (L, D) of length one, mean of the observations; int8 in the file, float32 where looked up.
        stability: (L,) float32 in [0, 1], mean of the observations.
        normals: (L, 3) of length one, mean direction from the landmark towards the cameras that saw it, exact to 0.3°;
            int8 in the file, float32 where looked up.
        image_offsets: (I + 1,) int64; landmarks of image i are image_landmarks[offsets[i]:offsets[i + 1]].
        image_landmarks: (O,) int32 landmark of each observation, sorted within an image.

    Raises:
        ValueError: a shape or a type differs.
    """

    positions: NDArray[np.float64]
    covariances: NDArray[np.float32]
    descriptors: UnitRows
    stability: NDArray[np.float32]
    normals: UnitRows
    image_offsets: NDArray[np.int64]
    image_landmarks: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.positions)
        expected: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "positions": ((count, 3), np.float64),
            "covariances": ((count, 6), np.float32),
            "descriptors": ((count, *self.descriptors.shape[-1:]), np.int8),
            "stability": ((count,), np.float32),
            "normals": ((count, 3), np.int8),
            "image_offsets": ((*self.image_offsets.shape[:1],), np.int64),
            "image_landmarks": ((*self.image_landmarks.shape[:1],), np.int32),
        }
        for name, (shape, dtype) in expected.items():
            array = self.stored(name)
            if array.shape != shape or array.dtype != dtype:
                needed = f"{shape} of {np.dtype(dtype)}"
                raise ValueError(f"landmark {name} have shape {array.shape} of {array.dtype}, {needed} is needed")

    def __len__(self) -> int:
        return len(self.positions)

    def stored(self, name: str) -> NDArray[Any]:
        """Return an attribute as the array that a map's folder holds."""
        value: UnitRows | NDArray[Any] = getattr(self, name)
        return value.codes if isinstance(value, UnitRows) else value

    def covariance_of(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (M, 3, 3) covariances of chosen landmarks."""
        return np.asarray(self.covariances[chosen], np.float64)[:, _SYMMETRIC]

    def seen_by(self, image: int) -> NDArray[np.int32]:
        """Return the landmarks that a map image observed, sorted."""
        return self.image_landmarks[self.image_offsets[image] : self.image_offsets[image + 1]]

    def moved(self, target_from_source: NDArray[np.float64]) -> Landmarks:
        """Return the landmarks in another frame, given its (4, 4) pose; units stay."""
        if np.array_equal(target_from_source, np.eye(4)):
            return self
        rotation = target_from_source[:3, :3]
        covariances = rotation @ self.covariance_of(np.arange(len(self))) @ rotation.T
        return replace(
            self,
            positions=self.positions @ rotation.T + target_from_source[:3, 3],
            covariances=_packed(covariances),
            normals=encode_rows(self.normals[:] @ rotation.T),
        )


def gather_landmarks(reconstruction: Any, image_ids: list[int], features: Mapping[int, Features]) -> Landmarks:
    """Collect the points of a reconstruction with the descriptors of their observations.

    Args:
        reconstruction: pycolmap.Reconstruction; an image's points2D are its features, in order.
        image_ids: the map's images, in the order of the map.
        features: by image id.
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
    seen: list[set[int]] = [set() for _ in image_ids]
    for row, point_id in enumerate(point_ids):
        elements = reconstruction.point3D(point_id).track.elements
        for element in elements:
            observed = features[element.image_id]
            descriptors[row] += observed.descriptors[element.point2D_idx]
            stability[row] += observed.stability[element.point2D_idx] / len(elements)
            away = centres[element.image_id] - positions[row]
            normals[row] += away / np.linalg.norm(away)
            seen[row_of[element.image_id]].add(row)
    return Landmarks(
        positions=positions,
        covariances=_covariances(reconstruction, image_ids, positions, {p: row for row, p in enumerate(point_ids)}),
        descriptors=encode_rows(descriptors),
        stability=stability,
        normals=encode_rows(normals),
        image_offsets=np.cumsum([0, *map(len, seen)]).astype(np.int64),
        image_landmarks=np.array([landmark for one in seen for landmark in sorted(one)], np.int32),
    )


def _covariances(
    reconstruction: Any, image_ids: list[int], positions: NDArray[np.float64], row_of_point: dict[int, int]
) -> NDArray[np.float32]:
    """Return (L, 6) position covariances: the inverse of what all observations say, each exact to one pixel."""
    information = np.zeros((len(positions), 3, 3))
    for image_id in image_ids:
        seen = seen_in(reconstruction, image_id, positions, row_of_point)
        by_point = seen.by_point()
        np.add.at(information, seen.rows, by_point.transpose(0, 2, 1) @ by_point)
        # A point seen along one ray alone has no depth at all; a loose prior keeps its covariance finite.
        loosest = (_LOOSEST_SIGMA_DEPTHS * seen.in_camera[:, 2]) ** -2.0
        np.add.at(information, seen.rows, loosest[:, None, None] * np.eye(3))
    return _packed(np.linalg.inv(information))


def _packed(matrices: NDArray[np.floating]) -> NDArray[np.float32]:
    return matrices[:, _UPPER[0], _UPPER[1]].astype(np.float32)
