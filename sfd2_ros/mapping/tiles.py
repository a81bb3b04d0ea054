# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles of a map: images that stood near each other, and the landmarks that they saw, one after another in the files.

Tiles are cut by the number of images, not by metres: so all are of about one size in memory, and maps of arbitrary
units have them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.landmarks import Landmarks

TILE_IMAGES = 64
"""Images of a tile, at the most: about 25,000 landmarks, two megabytes in memory. Not tuned."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """How the landmarks of a map lie in tiles.

    Attributes:
        offsets: (T + 1,) int64; landmarks of tile t are those from offsets[t] to offsets[t + 1].
        origins: (T, 3) float64, mean camera centre of each tile; positions in the files are relative to it.
        of_image: (I,) int32 tile of each image.

    Raises:
        ValueError: a shape or a type differs, or the offsets do not ascend from 0.
    """

    offsets: NDArray[np.int64]
    origins: NDArray[np.float64]
    of_image: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.origins)
        shapes = (self.offsets.shape, self.origins.shape, self.of_image.shape)
        types = tuple(str(one.dtype) for one in (self.offsets, self.origins, self.of_image))
        if shapes != ((count + 1,), (count, 3), (len(self.of_image),)) or types != ("int64", "float64", "int32"):
            raise ValueError(f"tiles of shapes {shapes} and types {types} do not belong together")
        if self.offsets[0] != 0 or np.any(np.diff(self.offsets) < 0) or not np.all(np.isfinite(self.origins)):
            raise ValueError("the offsets of tiles must ascend from 0, their origins be finite")
        if count and len(self.of_image) and not 0 <= self.of_image.min() <= self.of_image.max() < count:
            raise ValueError("images name tiles that do not exist")

    def __len__(self) -> int:
        return len(self.origins)

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (M,) the tile of each landmark (M,)."""
        found: NDArray[np.int64] = np.searchsorted(self.offsets, rows, side="right") - 1
        return found


def in_tiles(images: Sequence[PosedImage], landmarks: Landmarks) -> tuple[Landmarks, Tiles]:
    """Return the landmarks ordered by tile, and the tiles. A landmark is in the tile of one of its images."""
    centres = camera_centres(images)
    of_image = tiles_of_places(centres)
    count = int(of_image.max(initial=0)) + 1
    point = first_of_point(landmarks.positions)
    has_images = len(landmarks.image_landmarks) > 0
    of_landmark = of_image[_middle_image(landmarks)] if has_images else np.zeros(len(landmarks), np.int32)
    of_landmark = of_landmark[point]  # the landmarks of one point lie together: rounding keeps their positions equal
    order = np.lexsort((point, of_landmark))
    tiles = Tiles(
        offsets=np.concatenate([[0], np.cumsum(np.bincount(of_landmark, minlength=count))]).astype(np.int64),
        origins=np.array([centres[of_image == tile].mean(axis=0) for tile in range(count)]),
        of_image=of_image,
    )
    return landmarks.reordered(order), tiles


def camera_centres(images: Sequence[PosedImage]) -> NDArray[np.float64]:
    """Return (I, 3) positions of the cameras of images, metres."""
    return np.array([inverse(image.cam_from_world)[:3, 3] for image in images]).reshape(-1, 3)


def tiles_of_places(places: NDArray[np.float64], most: int = TILE_IMAGES) -> NDArray[np.int32]:
    """Return (I,) the tile of each place (I, 3): halved along the longest side until no tile has more than `most`."""
    tile = np.zeros(len(places), np.int32)
    waiting, number = [np.arange(len(places))], 0
    while waiting:
        members = waiting.pop()
        if len(members) <= most:
            tile[members] = number
            number += 1
            continue
        axis = int(np.argmax(np.ptp(places[members], axis=0)))
        members = members[np.argsort(places[members, axis], kind="stable")]
        half = len(members) // 2
        waiting += [members[half:], members[:half]]
    return tile


def first_of_point(positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (L,) for each landmark the first one that lies at exactly the same position (L, 3)."""
    _, first, inverse_ = np.unique(positions, axis=0, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[np.asarray(inverse_).reshape(-1)].astype(np.int64)
    return found


def _middle_image(landmarks: Landmarks) -> NDArray[np.int64]:
    """Return (L,) of each landmark the middle one of the images that saw it; image 0 where none did."""
    images = landmarks.observing_images()
    order = np.argsort(landmarks.image_landmarks, kind="stable")
    counts = np.bincount(landmarks.image_landmarks, minlength=len(landmarks))
    starts = np.cumsum(counts) - counts
    middle = np.minimum(starts + counts // 2, len(order) - 1)
    found: NDArray[np.int64] = np.where(counts > 0, images[order[middle]], 0)
    return found
