# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two views whose true relation is known: are keypoints found again, and are they matched rightly?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features, Matches

    Matcher = Callable[[Features, Features], Matches]

CORRECT_PX = 3.0
"""How near to its true place a keypoint or match is right."""


@dataclass(frozen=True)
class PairScore:
    """Figures of one pair of views.

    Attributes:
        repeated: keypoints of either view that are seen in the other and have a keypoint there at their place.
        visible: keypoints of either view that are seen in the other.
        correct: matches whose true place is within the limit.
        matches: mutual nearest neighbours whose first keypoint is seen in the second view.
        possible: visible keypoints of the view that has fewer of them: more matches cannot be right.
        keypoints: mean number of the two views.
        match_seconds: time of the matching.
    """

    repeated: int
    visible: int
    correct: int
    matches: int
    possible: int
    keypoints: float
    match_seconds: float


@dataclass(frozen=True)
class PairFigures:
    """Figures of many pairs.

    Attributes:
        pairs: number.
        repeatability: share of the visible keypoints that are found again, mean over the pairs; None without any.
        correct_matches: right matches, mean over the pairs.
        matches: matches, mean over the pairs.
        precision: right ones among all matches of all pairs; None without a match.
        matching_score: right matches by the number that was possible, mean over the pairs; None without any.
        mean_keypoints: of an image.
        match_ms: median time to match a pair.
    """

    pairs: int
    repeatability: float | None
    correct_matches: float
    matches: float
    precision: float | None
    matching_score: float | None
    mean_keypoints: float
    match_ms: float


def nearest_neighbours(first: Features, second: Features) -> Matches:
    """Return mutual nearest neighbours by cosine."""
    return match_mutual(first.descriptors, second.descriptors)


def matchers_of(method: str, lightglue: Mapping[str, Matcher]) -> dict[str, Matcher]:
    """Return the ways in which features of a method are matched, by what rows call them."""
    ways: dict[str, Matcher] = {method: nearest_neighbours}
    if method in lightglue:
        ways[f"{method}+lightglue"] = lightglue[method]
    return ways


def match_views(first: Features, second: Features, match: Matcher = nearest_neighbours) -> tuple[Matches, float]:
    """Return the matches and the seconds that they took."""
    start = time.perf_counter()
    matches = match(first, second)
    return matches, time.perf_counter() - start


def score_views(
    first: Features,
    second: Features,
    matches: Matches,
    *,
    second_from_first: NDArray[np.float64],
    match_seconds: float = 0.0,
    correct_px: float = CORRECT_PX,
) -> PairScore:
    """Compare keypoints and matches of two views with the ground truth.

    Args:
        first: features of one view.
        second: of the other.
        matches: `query` of the first, `target` of the second.
        second_from_first: (3, 3) homography between their pixels; the identity for a camera that stands still.
        match_seconds: kept in the score.
        correct_px: limit of what is right, in pixels of the view that a keypoint is moved to.
    """
    there, seen_there = _moved(second_from_first, first.keypoints, second.image_size)
    first_from_second = np.asarray(np.linalg.inv(second_from_first), np.float64)
    here, seen_here = _moved(first_from_second, second.keypoints, first.image_size)
    repeated = _found_again(there[seen_there], second.keypoints, correct_px)
    repeated += _found_again(here[seen_here], first.keypoints, correct_px)
    known = seen_there[matches.query]
    away = np.linalg.norm(there[matches.query] - second.keypoints[matches.target], axis=1)
    return PairScore(
        repeated=repeated,
        visible=int(seen_there.sum() + seen_here.sum()),
        correct=int((known & (away <= correct_px)).sum()),
        matches=int(known.sum()),
        possible=int(min(seen_there.sum(), seen_here.sum())),
        keypoints=(len(first) + len(second)) / 2,
        match_seconds=match_seconds,
    )


def gather_scores(scores: Sequence[PairScore]) -> PairFigures:
    """Return the figures of at least one pair.

    Raises:
        ValueError: there is no pair.
    """
    if not scores:
        raise ValueError("no pair to gather figures of")
    matches = sum(one.matches for one in scores)
    correct = sum(one.correct for one in scores)
    return PairFigures(
        pairs=len(scores),
        repeatability=_mean_ratio([(one.repeated, one.visible) for one in scores]),
        correct_matches=correct / len(scores),
        matches=matches / len(scores),
        precision=correct / matches if matches else None,
        matching_score=_mean_ratio([(one.correct, one.possible) for one in scores]),
        mean_keypoints=float(np.mean([one.keypoints for one in scores])),
        match_ms=1000 * float(np.median([one.match_seconds for one in scores])),
    )


def move_points(homography: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Apply a (3, 3) homography to (N, 2) points."""
    moved = np.asarray(points, np.float64) @ homography[:, :2].T + homography[:, 2]
    places: NDArray[np.float64] = moved[:, :2] / moved[:, 2:]
    return places


def _moved(
    homography: NDArray[np.float64], points: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where points are in another view of size (h, w), and whether that is inside it."""
    places = move_points(homography, points)
    limits = np.array([size[1] - 1, size[0] - 1])
    return places, np.all((places >= 0) & (places <= limits), axis=1)


def _found_again(places: NDArray[np.float64], keypoints: NDArray[np.float32], radius_px: float) -> int:
    if not len(places) or not len(keypoints):
        return 0
    distances, _ = cKDTree(keypoints).query(places)
    return int((distances <= radius_px).sum())


def _mean_ratio(shares: Sequence[tuple[int, int]]) -> float | None:
    """Return the mean of the shares whose whole is not nothing."""
    values = [part / whole for part, whole in shares if whole]
    return float(np.mean(values)) if values else None
