# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which landmarks a query is matched against: those of similar images, or of images near a pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.landmarks import Landmarks
    from sfd2_ros.mapping.map_store import Map

_SAME_WAY_COSINE = 0.26
"""Cosine of 75 degrees: descriptors of one point are seldom matched from views that differ by more. Not tuned."""


def covisible_groups(landmarks: Landmarks, images: Sequence[int], min_shared: int) -> list[list[int]]:
    """Group images that see the same place: connected by at least `min_shared` common landmarks.

    Args:
        landmarks: of the map.
        images: indices, best first.
        min_shared: landmarks that make two images one place.

    Returns:
        Groups of indices, each in the order given; the group of the best image first.
    """
    groups: list[list[int]] = []
    seen = {image: landmarks.seen_by(image) for image in images}
    for image in images:
        joined = [
            group
            for group in groups
            if any(len(np.intersect1d(seen[image], seen[other], assume_unique=True)) >= min_shared for other in group)
        ]
        if not joined:
            groups.append([image])
            continue
        joined[0].append(image)
        for other in joined[1:]:
            joined[0].extend(other)
            groups.remove(other)
    return groups


def landmarks_of(landmarks: Landmarks, images: Sequence[int]) -> NDArray[np.int64]:
    """Return the indices (M,) of all landmarks that any of these images saw, sorted."""
    return views_of(landmarks, images)[0]


def views_of(landmarks: Landmarks, images: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices (M,) of all landmarks that any of these images saw, sorted, and how many saw each (M,)."""
    seen = [landmarks.seen_by(image) for image in images]
    chosen, counts = np.unique(np.concatenate([*seen, np.empty(0, np.int32)]), return_counts=True)
    return chosen.astype(np.int64), counts.astype(np.int64)


class MapViews:
    """Where the cameras of a map stood and looked.

    Args:
        map_: whose images are looked up.
    """

    def __init__(self, map_: Map) -> None:
        poses = np.array([inverse(image.cam_from_world) for image in map_.images]).reshape(-1, 4, 4)
        self._centres, self._directions = poses[:, :3, 3], poses[:, :3, 2]

    def near(self, cam_from_map: NDArray[np.float64], count: int) -> list[int]:
        """Return indices of the images nearest to a pose (4, 4) that look about the same way, nearest first."""
        pose = inverse(cam_from_map)
        same_way = np.flatnonzero(self._directions @ pose[:3, 2] > _SAME_WAY_COSINE)
        distances = np.linalg.norm(self._centres[same_way] - pose[:3, 3], axis=1)
        return [int(index) for index in same_way[np.argsort(distances, kind="stable")[:count]]]


def facing(landmarks: Landmarks, chosen: NDArray[np.int64], cam_from_map: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which landmarks (M,) a pose (4, 4) sees from a similar side as in the map (within 75 degrees)."""
    centre = inverse(cam_from_map)[:3, 3]
    towards = centre - landmarks.positions[chosen]
    cosine = np.sum(towards * landmarks.normals[chosen], axis=1) / np.maximum(np.linalg.norm(towards, axis=1), 1e-12)
    similar: NDArray[np.bool_] = cosine > _SAME_WAY_COSINE
    return similar
