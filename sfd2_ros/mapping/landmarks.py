# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks: triangulated points with one descriptor each, and which image saw which of them.

A point whose appearance depends on the light has several landmarks, at exactly the same position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.mapping.information import covariances_of, packed_information
from sfd2_ros.mapping.pixel_rows import PixelRows
from sfd2_ros.mapping.quantised_rows import QuantisedRows
from sfd2_ros.mapping.unit_rows import UnitRows, encode_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The points of a map, in the encodings that a map's folder has of them.

    Attributes:
        positions: (L, 3) float64 in the map's frame and units.
        information: (L, 6) float16, how certain the positions are for keypoints that are exact to one pixel, as
            `information.packed_information` has it.
        descriptors: (L, D) of length one, mean of the observations; some bits a component in the file, float32 where
            looked up.
        stability: (L,) float32 in [0, 1], mean of the observations.
        normals: (L, 3) of length one, mean direction from the landmark towards the cameras that saw it, exact to 0.3°;
            int8 in the file, float32 where looked up.
        sessions_seen: (L,) uint8, number of sessions that observed the landmark's point, at most 255.
        sessions_expected: (L,) uint8, number of sessions in which it was visible, at most 255.
        image_offsets: (I + 1,) int64; landmarks of image i are image_landmarks[offsets[i]:offsets[i + 1]].
        image_landmarks: (O,) int32 landmark of each observation, sorted within an image.
        image_keypoints: (O, 2) pixels of each observation; uint16 in the file, float32 where looked up.

    Raises:
        ValueError: a shape or a type differs.
    """

    positions: NDArray[np.float64]
    information: NDArray[np.float16]
    descriptors: QuantisedRows
    stability: NDArray[np.float32]
    normals: UnitRows
    sessions_seen: NDArray[np.uint8]
    sessions_expected: NDArray[np.uint8]
    image_offsets: NDArray[np.int64]
    image_landmarks: NDArray[np.int32]
    image_keypoints: PixelRows

    def __post_init__(self) -> None:
        count, seen = len(self.positions), len(self.image_landmarks)
        expected: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "positions": ((count, 3), np.float64),
            "information": ((count, 6), np.float16),
            "descriptors": ((count, *self.descriptors.codes.shape[-1:]), np.uint8),
            "stability": ((count,), np.float32),
            "normals": ((count, 3), np.int8),
            "sessions_seen": ((count,), np.uint8),
            "sessions_expected": ((count,), np.uint8),
            "image_offsets": ((*self.image_offsets.shape[:1],), np.int64),
            "image_landmarks": ((*self.image_landmarks.shape[:1],), np.int32),
            "image_keypoints": ((seen, 2), np.uint16),
        }
        for name, (shape, dtype) in expected.items():
            array = self.encoded(name)
            if array.shape != shape or array.dtype != dtype:
                needed = f"{shape} of {np.dtype(dtype)}"
                raise ValueError(f"landmark {name} have shape {array.shape} of {array.dtype}, {needed} is needed")

    def __len__(self) -> int:
        return len(self.positions)

    def encoded(self, name: str) -> NDArray[Any]:
        """Return an attribute as the array (N, ...) that it is encoded in."""
        value: QuantisedRows | UnitRows | PixelRows | NDArray[Any] = getattr(self, name)
        return value.codes if isinstance(value, (QuantisedRows, UnitRows, PixelRows)) else value

    def covariance_of(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (M, 3, 3) covariances of chosen landmarks, squared units of the map, for exact keypoints."""
        return covariances_of(np.asarray(self.information[chosen]))

    def seen_by(self, image: int) -> NDArray[np.int32]:
        """Return (K,) the landmarks that a map image observed, sorted."""
        return self.image_landmarks[self.image_offsets[image] : self.image_offsets[image + 1]]

    def keypoints_of(self, image: int) -> NDArray[np.float32]:
        """Return (K, 2) pixels where a map image observed its landmarks, in the order of `seen_by`."""
        return self.image_keypoints[self.image_offsets[image] : self.image_offsets[image + 1]]

    def observing_images(self) -> NDArray[np.int64]:
        """Return (O,) the image of each observation."""
        return np.repeat(np.arange(len(self.image_offsets) - 1), np.diff(self.image_offsets))

    def points_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (M,) numbers of the points of ascending rows: landmarks at exactly the same position have the same.

        The landmarks of a point follow each other.
        """
        positions = np.asarray(self.positions[rows])
        is_new = np.any(positions[1:] != positions[:-1], axis=1)
        return np.cumsum(np.concatenate([[0][: len(rows)], is_new])).astype(np.int64)

    def moved(self, target_from_source: NDArray[np.float64]) -> Landmarks:
        """Return the landmarks in another frame, given its (4, 4) pose; units stay."""
        if np.array_equal(target_from_source, np.eye(4)):
            return self
        rotation = target_from_source[:3, :3]
        covariances = rotation @ self.covariance_of(np.arange(len(self))) @ rotation.T
        return replace(
            self,
            positions=self.positions @ rotation.T + target_from_source[:3, 3],
            information=packed_information(covariances),
            normals=encode_rows(self.normals[:] @ rotation.T),
        )

    def reordered(self, order: NDArray[np.int64]) -> Landmarks:
        """Return the landmarks in another order, where `order` (L,) has the former row of each."""
        new_row = np.empty(len(order), np.int64)
        new_row[order] = np.arange(len(order))
        renumbered = new_row[self.image_landmarks]
        within = np.lexsort((renumbered, self.observing_images()))
        return Landmarks(
            positions=self.positions[order],
            information=self.information[order],
            descriptors=self.descriptors.taken(order),
            stability=self.stability[order],
            normals=self.normals.taken(order),
            sessions_seen=self.sessions_seen[order],
            sessions_expected=self.sessions_expected[order],
            image_offsets=self.image_offsets,
            image_landmarks=renumbered[within].astype(np.int32),
            image_keypoints=replace(self.image_keypoints, codes=self.image_keypoints.codes[within]),
        )

    def of_images(self, chosen: Sequence[int]) -> Landmarks:
        """Return the same landmarks as seen by chosen images only, in the order given."""
        spans = [np.arange(self.image_offsets[one], self.image_offsets[one + 1]) for one in chosen]
        observations = np.concatenate([*spans, np.empty(0, np.int64)])
        return replace(
            self,
            image_offsets=np.cumsum([0, *map(len, spans)]).astype(np.int64),
            image_landmarks=self.image_landmarks[observations],
            image_keypoints=replace(self.image_keypoints, codes=self.image_keypoints.codes[observations]),
        )
