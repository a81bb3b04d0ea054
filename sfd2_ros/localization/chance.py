# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How often random matches would agree on a pose as well: the a-contrario test."""

from __future__ import annotations

from math import lgamma, log

import numpy as np

_POSE_POINTS = 3
"""Matches that fix the pose of a calibrated camera."""


def log10_false_alarms(*, num_matches: int, num_agreeing: int, radius_px: float, area_px: float) -> float:
    """Return how many poses as good as this are expected among random matches, as a power of ten.

    Every choice of three matches is a chance for a wrong pose; each other agreeing match then lies within the radius
    of its projection by chance, with the probability of the circle's fraction of the area.

    Args:
        num_matches: matches found without a known pose, or within a window around their predicted projections.
        num_agreeing: those of them that agree with the pose.
        radius_px: within which a match agrees.
        area_px: where a match may fall: the image, or the window; square pixels.

    Returns:
        log10 of (n - 3) C(n, k) C(k, 3) p^(k - 3); 0 or more means no evidence.

    Source: Moisan and Stival, "A probabilistic criterion to detect rigid point matches", IJCV 2004, equation 14's
    form, with the three points that fix a calibrated pose.
    """
    if num_agreeing <= _POSE_POINTS or num_matches <= _POSE_POINTS:
        return float(np.log10(max(num_matches, 1)))
    share = min(np.pi * radius_px**2 / area_px, 1.0)
    return float(
        np.log10(num_matches - _POSE_POINTS)
        + _log10_choose(num_matches, num_agreeing)
        + _log10_choose(num_agreeing, _POSE_POINTS)
        + (num_agreeing - _POSE_POINTS) * np.log10(share)
    )


def smallest_rare_count(
    num_matches: int, at_least: int, *, radius_px: float, area_px: float, max_log10_false_alarms: float
) -> int:
    """Return how many of the matches, `at_least` or more, must agree on a pose for it to be no chance.

    Returns:
        The count; `num_matches` + 1 where even all of them are not enough.
    """

    def is_rare(count: int) -> bool:
        alarms = log10_false_alarms(num_matches=num_matches, num_agreeing=count, radius_px=radius_px, area_px=area_px)
        return alarms <= max_log10_false_alarms

    return next((count for count in range(at_least, num_matches + 1) if is_rare(count)), num_matches + 1)


def _log10_choose(total: int, chosen: int) -> float:
    return (lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)) / log(10)
