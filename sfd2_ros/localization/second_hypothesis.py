# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A second hypothesis that fits the same matches: a metre aside with a turn, where keypoints scatter by pixels.

By night, at low resolution, a facade looks nearly the same from a place a metre aside. Within the wide reach of the
search, the wrong pose gathers as many matches as the right one, and every refinement that starts from it stays there.
Drawn with the narrow reach of the final pose, the matches lead to the other one. The measured likelihoods decide
between the two; where they differ little, the covariance is that of the mixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, vector_from_rotation
from sfd2_ros.localization.hypotheses import find_pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.mixture import MeasuredPose
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis
    from sfd2_ros.localization.query import Query

_SAME_PX = 0.5
"""Hypotheses whose projections differ by less, in the median, are one: their refinements converge to the same pose.
Half of the noise of a keypoint (noise.sigma_px). Not tuned."""
_COMMON_MATCHES = 5.0
"""Matches whose errors are common. The log-likelihoods count each match as independent, and are divided by this. Chosen
on two simulated towns by night (5001, 5002), where the wrong hypothesis was less likely by 40 to 80."""


def second_hypothesis(best: Hypothesis, query: Query, context: MapContext) -> Hypothesis | None:
    """Draw again from the matches of a hypothesis, within the reach of the final pose.

    Returns:
        The hypothesis that most matches agree with closely, or None when it is the same as the best one.
    """
    matches, landmarks, config = best.matches, context.landmarks, context.config.matching
    second = find_pose(
        query,
        landmarks,
        matches,
        config,
        least_share=float(best.is_inlier.mean()) / 2,
        distinct_first=False,
        max_error_px=config.final_error_px,
    )
    if second is None or _shift_px(best, second, query, landmarks.positions[matches.landmarks]) < _SAME_PX:
        return None
    return second


def _shift_px(best: Hypothesis, second: Hypothesis, query: Query, positions: NDArray[np.float64]) -> float:
    """Return how far apart two poses see the landmarks (M, 3) that agree with either; median, pixels."""
    either = best.is_inlier | second.is_inlier
    keypoints, seen = best.matches.keypoints[either], positions[either]
    here, there = (query.projected(pose.body_from_map, keypoints, seen) for pose in (best, second))
    return float(np.median(np.linalg.norm(here - there, axis=1)))


def mixture_covariance(best: MeasuredPose, second: MeasuredPose) -> NDArray[np.float64] | None:
    """Return the covariance (6, 6) of the likelier one of two measured poses, with the distance to the other one.

    The second moment about the likelier pose of a mixture of the two: (1 - v) P + v (Q + d d^T), v by the likelihoods.
    """
    if best.covariance is None or second.covariance is None:
        return best.covariance
    weight = 1 / (1 + np.exp((best.log_likelihood - second.log_likelihood) / _COMMON_MATCHES))
    here, there = inverse(best.body_from_map), inverse(second.body_from_map)
    apart = np.concatenate([there[:3, 3] - here[:3, 3], vector_from_rotation(there @ inverse(here))])
    spread = second.covariance + np.outer(apart, apart)
    covariance: NDArray[np.float64] = (1 - weight) * best.covariance + weight * spread
    return covariance
