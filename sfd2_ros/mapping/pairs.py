# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which pairs of map images are matched: all when few, otherwise those that look alike or lie near."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.mapping.retrieval import most_similar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NEAR_RATIO = 0.5
"""Distance, in typical distances of neighbours, that one radian between viewing directions costs. Not tuned."""


def exhaustive_pairs(count: int) -> list[tuple[int, int]]:
    """Return all pairs (i, j), i < j, of `count` images."""
    return list(combinations(range(count), 2))


def similar_pairs(aggregates: NDArray[np.float32], per_image: int) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of each image with the `per_image` that look most like it.

    Args:
        aggregates: (I, G) global descriptors.
        per_image: partners of each image; the image itself does not count.
    """
    pairs: set[tuple[int, int]] = set()
    for index, aggregate in enumerate(aggregates):
        for other in most_similar(aggregate, aggregates, per_image + 1)[0]:
            if other != index:
                pairs.add((min(index, int(other)), max(index, int(other))))
    return sorted(pairs)


def near_pairs(cam_from_world: Sequence[NDArray[np.float64]], per_image: int) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of each image with the `per_image` nearest that look the same way.

    Nearness is distance plus a share for the angle between the viewing directions; images that look apart by more
    than a right angle see nothing in common and make no pair.

    Args:
        cam_from_world: (4, 4) poses.
        per_image: partners of each image.
    """
    poses = np.array([inverse(pose) for pose in cam_from_world])
    centres, directions = poses[:, :3, 3], poses[:, :3, 2]
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    cosines = np.clip(directions @ directions.T, -1, 1)
    scale = np.median(
        np.partition(distances, min(per_image, len(poses) - 1), axis=1)[:, min(per_image, len(poses) - 1)]
    )
    cost = distances + _NEAR_RATIO * max(float(scale), 1e-9) * np.arccos(cosines)
    cost[cosines <= 0] = np.inf
    np.fill_diagonal(cost, np.inf)
    pairs: set[tuple[int, int]] = set()
    for index, row in enumerate(cost):
        for other in np.argsort(row, kind="stable")[:per_image]:
            if np.isfinite(row[other]):
                pairs.add((min(index, int(other)), max(index, int(other))))
    return sorted(pairs)
