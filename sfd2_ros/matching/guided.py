# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Guided matching: matches near the projections of landmarks under a pose."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Matches

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIRS_A_TILE = 15_000
"""Pairs of keypoint and landmark that are compared in the time of the calls of one tile. Any number gives the same
matches."""
_SIDE_STEPS = 4
"""Enough for the side of a tile to within a few per cent."""


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
    order, tiles = _tiles(keypoints, len(visible), radius_px)
    points, codes = np.asarray(keypoints[order], np.float32), descriptors[order]
    target = np.zeros(len(keypoints), np.int64)
    best = np.full(len(keypoints), -np.inf, np.float32)
    best_of_landmark = np.full(len(visible), -np.inf, np.float32)
    for mine in tiles:
        near = _near(points[mine], places, radius_px)
        if len(near) == 0:
            continue
        likeness = codes[mine] @ candidates[near].T
        likeness[_squared_distances(points[mine], places[near]) > radius_px**2] = -np.inf
        highest = likeness.argmax(axis=1)
        target[mine], best[mine] = near[highest], likeness[np.arange(len(highest)), highest]
        best_of_landmark[near] = np.maximum(best_of_landmark[near], likeness.max(axis=0))
    target[order], best[order] = target.copy(), best.copy()
    mutual = np.flatnonzero((best == best_of_landmark[target]) & (best >= min_similarity))
    # Of keypoints that are equally like one landmark the first is matched.
    query = np.sort(mutual[np.unique(target[mutual], return_index=True)[1]])
    return Matches(query, visible[target[query]], best[query])


def _tiles(
    keypoints: NDArray[np.floating], num_landmarks: int, radius_px: float
) -> tuple[NDArray[np.int64], list[slice]]:
    """Return the order of the keypoints by the square of a grid that they lie in, and the slice of each square.

    Small squares have few landmarks near them, few squares have few calls; the side is chosen for the least time.
    """
    low = keypoints.min(axis=0)
    width, height = keypoints.max(axis=0) - low + 1.0
    # The least of A / s^2 * c + N L (s + 2 r)^2 / A over the side s, with c pairs that cost as much as the calls of a
    # tile: s^3 (s + 2 r) = A^2 c / (N L), solved by fixed-point steps.
    wanted = (width * height) ** 2 * _PAIRS_A_TILE / (len(keypoints) * num_landmarks)
    side = wanted**0.25
    for _ in range(_SIDE_STEPS):
        side = (wanted / (side + 2 * radius_px)) ** (1 / 3)
    side = max(side, 1.0)
    column, row = ((keypoints - low) // side).astype(np.int64).T
    tile = row * (int(width // side) + 1) + column
    order = np.argsort(tile, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(tile[order])) + 1).tolist(), len(order)]
    return order, [slice(first, end) for first, end in pairwise(edges)]


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
