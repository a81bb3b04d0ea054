# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Guided matching: matches near the projections of landmarks under a pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TILE_KEYPOINTS = 40
"""Chosen for time: small products of matrices stay in the cache. Any number gives the same matches."""


def match_guided(
    keypoints: NDArray[np.floating],
    descriptors: NDArray[np.float32],
    projections: NDArray[np.floating],
    landmark_descriptors: NDArray[np.floating],
    *,
    radius_px: float,
    min_similarity: float,
) -> Matches:
    """Match mutually nearest descriptors among pairs that lie within a radius of each other.

    The keypoints are taken tile by tile, with the landmarks that are near the tile: small products of matrices
    take a third of the time of going through the near pairs one by one.

    Args:
        keypoints: (N, 2) pixels.
        descriptors: (N, D) of length one.
        projections: (L, 2) pixels where landmarks are expected; NaN rows match nothing.
        landmark_descriptors: (L, D) of length one, any float type.
        radius_px: largest distance between keypoint and projection.
        min_similarity: smallest cosine.

    Returns:
        Matches of keypoints (query) with landmarks (target), each at most once, by ascending query index.
    """
    visible = np.flatnonzero(np.all(np.isfinite(projections), axis=1))
    if len(keypoints) == 0 or len(visible) == 0:
        return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    visible = visible[np.argsort(projections[visible, 1], kind="stable")]  # a tile's rows are a slice of these
    places = np.asarray(projections[visible], np.float32)
    candidates = np.asarray(landmark_descriptors[visible], np.float32)
    target = np.zeros(len(keypoints), np.int64)
    best = np.full(len(keypoints), -np.inf, np.float32)
    best_of_landmark = np.full(len(visible), -np.inf, np.float32)
    for mine in _tiles(keypoints):
        near = _near(keypoints[mine], places, radius_px)
        if len(near) == 0:
            continue
        likeness = descriptors[mine] @ candidates[near].T
        np.copyto(likeness, -np.inf, where=_squared_distances(keypoints[mine], places[near]) > radius_px**2)
        highest = likeness.argmax(axis=1)
        target[mine], best[mine] = near[highest], likeness[np.arange(len(mine)), highest]
        best_of_landmark[near] = np.maximum(best_of_landmark[near], likeness.max(axis=0))
    mutual = np.flatnonzero((best == best_of_landmark[target]) & (best >= min_similarity))
    # Of keypoints that are equally like one landmark the first is matched.
    query = np.sort(mutual[np.unique(target[mutual], return_index=True)[1]])
    return Matches(query, visible[target[query]], best[query])


def _tiles(keypoints: NDArray[np.floating]) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of the keypoints of each square of a grid that holds about `_TILE_KEYPOINTS` in each."""
    low = keypoints.min(axis=0)
    width, height = keypoints.max(axis=0) - low + 1.0
    side = np.sqrt(width * height * _TILE_KEYPOINTS / len(keypoints))
    column, row = ((keypoints - low) // side).astype(np.int64).T
    tile = row * (int(width // side) + 1) + column
    order = np.argsort(tile, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(tile[order])) + 1)


def _near(keypoints: NDArray[np.floating], places: NDArray[np.floating], radius_px: float) -> NDArray[np.int64]:
    """Return which places (L, 2), ascending in y, may lie within a radius of keypoints (K, 2)."""
    reach = radius_px + 1.0  # a pixel of room for the rounding of float32
    low, high = keypoints.min(axis=0) - reach, keypoints.max(axis=0) + reach
    first, end = np.searchsorted(places[:, 1], (low[1], high[1]))
    across = places[first:end, 0]
    chosen: NDArray[np.int64] = np.flatnonzero((across >= low[0]) & (across <= high[0])) + first
    return chosen


def _squared_distances(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the (K, L) squared distances of points (K, 2) and (L, 2)."""
    squares: NDArray[np.floating] = np.square(left[:, 0, None] - right[:, 0])
    squares += np.square(left[:, 1, None] - right[:, 1])
    return squares
