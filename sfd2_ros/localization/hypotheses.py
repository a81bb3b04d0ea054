# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Matches with landmarks, and the hypotheses of a pose that they agree on."""

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

    from sfd2_ros.localization.config import MatchingConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.mapping.landmarks import Landmarks

_OTHER_PLACE_DEPTHS = 0.05
"""Poses farther apart than this fraction of the median depth of what is seen are two places: repetitions of a street
(lane marks, windows) lie farther apart, the noise of one pose is an order of magnitude smaller. Not tuned."""
_OTHER_PLACE_RAD = 0.1
"""The same for the rotation, radians (6 degrees). Not tuned."""
PLENTY = 0.3
"""A pose that this fraction of the matches agree with is right, and the search ends: three right matches are drawn
together in 27 of 1,000 draws, so a better pose would have been found as well. Not tuned."""


@dataclass(frozen=True, eq=False)
class LandmarkMatches:
    """Matches of a query with landmarks.

    Attributes:
        keypoints: (M,) indices into the query's features.
        landmarks: (M,) indices into the map's landmarks.
        is_distinct: (M,) whether the match passes the ratio test; such matches are seldom wrong.
    """

    keypoints: NDArray[np.int64]
    landmarks: NDArray[np.int64]
    is_distinct: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keypoints)

    def where(self, chosen: NDArray[np.bool_]) -> LandmarkMatches:
        """Return the matches that a (M,) mask chooses."""
        return LandmarkMatches(self.keypoints[chosen], self.landmarks[chosen], self.is_distinct[chosen])

    def in_order(self, order: NDArray[np.int64]) -> LandmarkMatches:
        """Return the matches in another order, given as indices (M,)."""
        return LandmarkMatches(self.keypoints[order], self.landmarks[order], self.is_distinct[order])


def joined(parts: Sequence[LandmarkMatches]) -> LandmarkMatches:
    """Return matches one after another."""
    columns = zip(*((part.keypoints, part.landmarks, part.is_distinct) for part in parts), strict=True)
    keypoints, landmarks, is_distinct = (np.concatenate(column) for column in columns)
    return LandmarkMatches(keypoints, landmarks, is_distinct)


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Matches of query keypoints with landmarks, and the pose that they agree on.

    Attributes:
        matches: of keypoints with landmarks.
        body_from_map: (4, 4) the pose.
        is_inlier: (M,) which matches agree with it.
        window_px: radius around their projections in which matches were searched; infinite: the whole image.
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
    def num_distinct(self) -> int:
        """Distinct matches, whether they agree or not."""
        return int(self.matches.is_distinct.sum())

    @property
    def distinct_share(self) -> float:
        """Fraction of the distinct matches that agree with the pose; NaN without any."""
        agreeing = int((self.matches.is_distinct & self.is_inlier).sum())
        return agreeing / self.num_distinct if self.num_distinct else float("nan")

    def inliers(self) -> LandmarkMatches:
        """Return the matches that agree with the pose."""
        return self.matches.where(self.is_inlier)


def match_landmarks(query: Query, view: int, context: MapContext, chosen: NDArray[np.int64]) -> LandmarkMatches:
    """Match one view of a query with chosen landmarks (L,) by mutual nearest neighbours.

    They are kept with the query: the test for mirrored images needs those of the search again when all candidates are
    of one place.
    """
    key = (view, chosen.tobytes())
    if key not in query.matched:
        query.matched[key] = _matched_landmarks(query, view, context, chosen)
    return query.matched[key]


def _matched_landmarks(query: Query, view: int, context: MapContext, chosen: NDArray[np.int64]) -> LandmarkMatches:
    """Match one view with chosen landmarks (L,)."""
    config, device = context.config.matching, context.device
    descriptors = torch.as_tensor(query.views[view].features.descriptors, device=device)
    target = torch.as_tensor(np.asarray(context.landmarks.descriptors[chosen], np.float32), device=device)
    matches, is_distinct = match_distinct(
        descriptors,
        target,
        min_similarity=config.min_similarity,
        ratio=config.distinct_ratio,
        points=context.landmarks.points_of(chosen),
    )
    return LandmarkMatches(query.counted_through(view, matches.query), chosen[matches.target], is_distinct)


def find_pose(
    query: Query,
    landmarks: Landmarks,
    matches: LandmarkMatches,
    config: MatchingConfig,
    *,
    least_share: float = 0.0,
    distinct_first: bool = True,
    max_error_px: float | None = None,
    all_matches: bool = True,
) -> Hypothesis | None:
    """Return the pose that most matches agree with, or None.

    The search draws from the distinct matches first: where one match in thirty is right, three right ones are drawn
    together too seldom from all of them, and often enough from these.

    Args:
        query: what is to be localized.
        landmarks: of the map.
        matches: of keypoints with landmarks.
        config: settings of matching.
        least_share: a pose that a smaller fraction of the matches agree with need not be found; the larger, the sooner
            the search ends.
        distinct_first: False draws from all matches at once.
        max_error_px: largest reprojection error of an inlier; None for that of the settings.
        all_matches: False draws from the distinct matches alone.
    """
    reach_px = config.max_error_px if max_error_px is None else max_error_px
    positions = landmarks.positions[matches.landmarks]
    everything, distinct = np.arange(len(matches)), np.flatnonzero(matches.is_distinct)
    best: Hypothesis | None = None
    for drawn in ([distinct] if distinct_first else []) + ([everything] if all_matches else []):
        solution = query.solve(
            matches.keypoints[drawn],
            positions[drawn],
            reach_px,
            min_inlier_ratio=min(max(MIN_INLIER_RATIO, least_share), 1.0),
        )
        if solution is None:
            continue
        hypothesis = supported(query, matches, positions, solution.cam_from_map, config.max_error_px)
        if best is None or hypothesis.num_inliers > best.num_inliers:
            best = hypothesis
        if best.is_inlier.mean() >= PLENTY:
            break
    return best


def supported(
    query: Query,
    matches: LandmarkMatches,
    positions: NDArray[np.float64],
    body_from_map: NDArray[np.float64],
    max_error_px: float,
) -> Hypothesis:
    """Return a pose with the matches, and their positions (M, 3), that agree with it within a reprojection error."""
    errors_px = query.errors_px(body_from_map, matches.keypoints, positions)
    return Hypothesis(matches, body_from_map, errors_px <= max_error_px)


def is_other_place(hypothesis: Hypothesis, reference: Hypothesis, landmarks: Landmarks) -> bool:
    """Return whether two hypotheses are of two places; see `are_apart`."""
    seen = landmarks.positions[reference.inliers().landmarks]
    return are_apart(hypothesis.body_from_map, reference.body_from_map, seen)


def are_apart(pose: NDArray[np.float64], reference: NDArray[np.float64], seen: NDArray[np.float64]) -> bool:
    """Return whether two body_from_map differ by more than a twentieth of the depth of what is seen, or by 0.1 rad.

    Args:
        pose: (4, 4).
        reference: (4, 4).
        seen: (M, 3) landmarks that are inliers of the reference.
    """
    here, there = inverse(pose), inverse(reference)
    depth = float(np.median(np.linalg.norm(seen - there[:3, 3], axis=1))) if len(seen) else 0.0
    distance = float(np.linalg.norm(here[:3, 3] - there[:3, 3]))
    return distance > _OTHER_PLACE_DEPTHS * depth or rotation_angle_rad(pose @ there) > _OTHER_PLACE_RAD
