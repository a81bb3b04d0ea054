# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses that matches with the map agree on, found without knowing where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.localization.pnp import MIN_INLIER_RATIO
from sfd2_ros.matching.nearest import match_distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.mapping.landmarks import Landmarks

_OTHER_PLACE_DEPTHS = 0.05
_OTHER_PLACE_RAD = 0.1
_OFTEN = 0.15
"""Where so many matches agree, three of them are drawn together often: 0.15^3 of 10,000 draws are 34."""
PLENTY = 0.3
"""A pose with this share of the matches is right; nothing better is looked for."""


@dataclass(frozen=True, eq=False)
class LandmarkMatches:
    """Matches of a query with landmarks.

    Attributes:
        keypoints: (M,) indices into the query's features.
        landmarks: (M,) indices into the map's landmarks.
        is_distinct: (M,) whether no other landmark is nearly as alike; such matches are seldom wrong.
    """

    keypoints: NDArray[np.int64]
    landmarks: NDArray[np.int64]
    is_distinct: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keypoints)

    def where(self, chosen: NDArray[np.bool_]) -> LandmarkMatches:
        """Return the matches that a (M,) mask chooses."""
        return LandmarkMatches(self.keypoints[chosen], self.landmarks[chosen], self.is_distinct[chosen])


def joined(parts: Sequence[LandmarkMatches]) -> LandmarkMatches:
    """Return matches one after another."""
    columns = zip(*((one.keypoints, one.landmarks, one.is_distinct) for one in parts), strict=True)
    keypoints, landmarks, is_distinct = (np.concatenate(column) for column in columns)
    return LandmarkMatches(keypoints, landmarks, is_distinct)


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Matches of query keypoints with landmarks, and the pose that they agree on.

    Attributes:
        matches: of keypoints with landmarks.
        body_from_map: (4, 4) the pose.
        is_inlier: (M,) which matches agree with it.
        window_px: matches were looked for within this distance of their projections; infinite where in the whole image.
    """

    matches: LandmarkMatches
    body_from_map: NDArray[np.float64]
    is_inlier: NDArray[np.bool_]
    window_px: float = float("inf")

    @property
    def num_inliers(self) -> int:
        """Matches that agree with the pose."""
        return int(self.is_inlier.sum())

    @property
    def distinct(self) -> tuple[int, int]:
        """Distinct matches that agree with the pose, and all distinct ones."""
        return int((self.matches.is_distinct & self.is_inlier).sum()), int(self.matches.is_distinct.sum())

    def inliers(self) -> LandmarkMatches:
        """Return the matches that agree with the pose."""
        return self.matches.where(self.is_inlier)


def match_landmarks(query: Query, view: int, context: MapContext, chosen: NDArray[np.int64]) -> LandmarkMatches:
    """Match one view of a query with chosen landmarks by mutual nearest neighbours."""
    config, device = context.config, context.device
    mine = torch.as_tensor(query.views[view].features.descriptors, device=device)
    target = torch.as_tensor(np.asarray(context.landmarks.descriptors[chosen], np.float32), device=device)
    found, is_distinct = match_distinct(mine, target, min_similarity=config.min_similarity, ratio=config.distinct_ratio)
    return LandmarkMatches(query.counted_through(view, found.query), chosen[found.target], is_distinct)


def find_pose(
    query: Query,
    landmarks: Landmarks,
    matches: LandmarkMatches,
    config: LocalizerConfig,
    *,
    least_share: float = 0.0,
    distinct_first: bool = True,
    max_error_px: float | None = None,
) -> Hypothesis | None:
    """Return the pose that most matches agree with, or None.

    The search draws from the distinct matches first: where one match in thirty is right, three right ones are drawn
    together too seldom from all of them, and often enough from these.

    Args:
        query: what is to be localized.
        landmarks: of the map.
        matches: of keypoints with landmarks.
        config: settings.
        least_share: a pose that fewer matches agree with need not be found; the more, the sooner the search ends.
        distinct_first: False draws from all matches at once.
        max_error_px: largest reprojection error of an inlier; None for that of the settings.
    """
    reach_px = config.max_error_px if max_error_px is None else max_error_px
    positions = landmarks.positions[matches.landmarks]
    everything = np.arange(len(matches))
    best: Hypothesis | None = None
    for drawn in [np.flatnonzero(matches.is_distinct), everything] if distinct_first else [everything]:
        solution = query.solve(
            matches.keypoints[drawn],
            positions[drawn],
            reach_px,
            min_inlier_ratio=min(max(MIN_INLIER_RATIO, least_share), 1.0),
        )
        if solution is None:
            continue
        found = supported(query, matches, positions, solution.cam_from_map, config)
        if best is None or found.num_inliers > best.num_inliers:
            best = found
        if best.is_inlier.mean() >= PLENTY:
            break
    return best


def supported(
    query: Query,
    matches: LandmarkMatches,
    positions: NDArray[np.float64],
    body_from_map: NDArray[np.float64],
    config: LocalizerConfig,
) -> Hypothesis:
    """Return a pose with the matches, and their positions (M, 3), that agree with it."""
    errors_px = query.errors_px(body_from_map, matches.keypoints, positions)
    return Hypothesis(matches, body_from_map, errors_px <= config.max_error_px)


def find_rival(best: Hypothesis, query: Query, landmarks: Landmarks, config: LocalizerConfig) -> Hypothesis | None:
    """Look for a second pose among the matches that do not agree with the best one.

    Streets repeat themselves: lane marks, fences and house fronts agree on a pose that lies a period away.

    Returns:
        The pose of another place with the most support, or None when too few matches are left to matter.
    """
    left = ~best.is_inlier
    needed = max(config.min_inliers, config.max_rival_share * best.num_inliers)
    if left.sum() < needed:
        return None
    share = needed / int(left.sum())
    often = share >= _OFTEN
    rival = find_pose(
        query,
        landmarks,
        best.matches.where(left),
        config,
        least_share=share if often else 0.0,
        distinct_first=not often,
    )
    if rival is None or not is_other_place(rival, best, landmarks):
        return None
    return rival


def is_other_place(one: Hypothesis, other: Hypothesis, landmarks: Landmarks) -> bool:
    """Return whether two poses differ by more than a twentieth of the depth of what is seen, or by 0.1 rad."""
    seen = landmarks.positions[other.inliers().landmarks]
    return are_apart(one.body_from_map, other.body_from_map, seen)


def are_apart(one: NDArray[np.float64], other: NDArray[np.float64], seen: NDArray[np.float64]) -> bool:
    """Return whether two body_from_map differ by more than a twentieth of the depth of what is seen, or by 0.1 rad.

    Args:
        one: (4, 4).
        other: (4, 4).
        seen: (M, 3) landmarks that the other is seen with.
    """
    here, there = inverse(one), inverse(other)
    depth = float(np.median(np.linalg.norm(seen - there[:3, 3], axis=1))) if len(seen) else 0.0
    distance = float(np.linalg.norm(here[:3, 3] - there[:3, 3]))
    return distance > _OTHER_PLACE_DEPTHS * depth or rotation_angle_rad(one @ there) > _OTHER_PLACE_RAD
