# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of images of other times that lie near and look the same way, by poses whose loops are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.mapping.drive.config import DriveConfig

_NEAR_M = 4.0
"""The other lane of a street, or a few keyframes along it. Not tuned."""
_SAME_WAY = np.cos(np.radians(40.0))
"""Descriptors of a place match up to about such a turn. Not tuned."""


def revisited_pairs(drive: Drive, poses: Sequence[NDArray[np.float64]], config: DriveConfig) -> list[tuple[int, int]]:
    """Return pairs of images (i, j), i < j, each image with the nearest ones of other times.

    Args:
        drive: of the images.
        poses: map_from_base (4, 4) of each keyframe.
        config: how many, and how far apart in way other times are.
    """
    placed = [poses[number] @ drive.cameras[camera].base_from_cam for number, camera, _ in drive.images]
    centres, axes = np.array([one[:3, 3] for one in placed]), np.array([one[:3, 2] for one in placed])
    way = np.array([drive.keyframes[number].travelled_m for number, _, _ in drive.images])
    pairs: set[tuple[int, int]] = set()
    for index, near in enumerate(cKDTree(centres).query_ball_point(centres, _NEAR_M)):
        others = np.array(near, np.int64)
        others = others[(np.abs(way[others] - way[index]) >= config.apart_m) & (axes[others] @ axes[index] > _SAME_WAY)]
        nearest = others[np.argsort(np.linalg.norm(centres[others] - centres[index], axis=1), kind="stable")]
        pairs.update((min(index, int(other)), max(index, int(other))) for other in nearest[: config.similar_per_image])
    return sorted(pairs)
