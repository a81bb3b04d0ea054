# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A second pose that fits the same matches: a metre aside with a turn, where the keypoints scatter by pixels.

By night, at low resolution, a house front looks nearly the same from a place a metre aside. Within the wide reach that
a search needs, the wrong pose gathers as many matches as the right one, and every refinement that starts from it stays
there. Drawn with the narrow reach of the final pose, the matches lead to the other one. Which is right, the measured
likelihoods say; where they say little, the covariance reaches from one to the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, vector_from_rotation
from sfd2_ros.localization.search import find_pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.mixture import MeasuredPose
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.search import Hypothesis

_SAME_PX = 0.5
"""Poses that move the keypoints by less are one; their refinements meet."""
_COMMON_MATCHES = 5.0
"""How many matches err together: logarithms of likelihoods, which take each for itself, are divided by it."""


def other_mode(best: Hypothesis, query: Query, context: MapContext) -> Hypothesis | None:
    """Draw again from the matches of a pose, within the reach of the final pose.

    Returns:
        The pose that most matches agree with closely, or None when it is the one that is known.
    """
    matches, landmarks, config = best.matches, context.landmarks, context.config
    other = find_pose(
        query,
        landmarks,
        matches,
        config,
        least_share=float(best.is_inlier.mean()) / 2,
        distinct_first=False,
        max_error_px=config.final_error_px,
    )
    if other is None or _shift_px(best, other, query, landmarks.positions[matches.landmarks]) < _SAME_PX:
        return None
    return other


def _shift_px(one: Hypothesis, other: Hypothesis, query: Query, positions: NDArray[np.float64]) -> float:
    """Return how far apart two poses see the landmarks (M, 3) that agree with either; median, pixels."""
    either = one.is_inlier | other.is_inlier
    keypoints, seen = one.matches.keypoints[either], positions[either]
    here, there = (query.projected(pose.body_from_map, keypoints, seen) for pose in (one, other))
    return float(np.median(np.linalg.norm(here - there, axis=1)))


def with_doubt(best: MeasuredPose, other: MeasuredPose) -> NDArray[np.float64] | None:
    """Return the covariance (6, 6) of the better one of two poses, which says how far off the other one lies.

    The second moment about the better one of a mixture of the two: (1 - v) P + v (Q + d d^T), v by the likelihoods.
    """
    if best.covariance is None or other.covariance is None:
        return best.covariance
    doubt = 1 / (1 + np.exp((best.log_likelihood - other.log_likelihood) / _COMMON_MATCHES))
    here, there = inverse(best.body_from_map), inverse(other.body_from_map)
    apart = np.concatenate([there[:3, 3] - here[:3, 3], vector_from_rotation(there @ inverse(here))])
    spread = other.covariance + np.outer(apart, apart)
    covariance: NDArray[np.float64] = (1 - doubt) * best.covariance + doubt * spread
    return covariance
