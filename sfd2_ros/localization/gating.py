# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Accept a pose or refuse it, with the reason: pure functions of the evidence."""

from __future__ import annotations

from math import lgamma, log
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Evidence, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.localization.config import LocalizerConfig

_POSE_POINTS = 3


def log10_false_alarms(*, num_matches: int, num_agreeing: int, radius_px: float, area_px: float) -> float:
    """Return how many poses as good as this are expected among random matches, as a power of ten.

    Every choice of three matches is a chance for a wrong pose; the other agreeing matches then fall within the radius
    of their projection by luck, each with the probability of the circle's share of the area.

    Args:
        num_matches: matches found without knowing the pose, or within a window around where they are expected.
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


def judge(
    evidence: Evidence, covariance: NDArray[np.float64] | None, config: LocalizerConfig, *, metric: bool
) -> tuple[Status, str]:
    """Accept or refuse a pose.

    Args:
        evidence: of the pose.
        covariance: (6, 6) of the pose, or None when the matches do not determine it.
        config: limits.
        metric: whether the map is in metres; otherwise the position's uncertainty is not judged.

    Returns:
        LOCALIZED or the first reason against it, and one sentence with the numbers.
    """
    inliers, matches = evidence.num_inliers, evidence.num_matches
    if inliers < config.min_inliers:
        return Status.FEW_INLIERS, f"{inliers} of {matches} matches agree, {config.min_inliers} are needed"
    if not evidence.log10_false_alarms <= config.max_log10_false_alarms:
        return Status.CHANCE_AGREEMENT, (
            f"{inliers} of {matches} matches agree, as random ones do 10^{evidence.log10_false_alarms:.0f} times; "
            f"at most 10^{config.max_log10_false_alarms:.0f} is allowed"
        )
    if covariance is not None and not evidence.agreement >= config.min_agreement:
        return Status.CHANCE_AGREEMENT, (
            f"matches near the pose agree with it little more than by chance: {evidence.agreement:.2f} a match, as a "
            f"logarithm; {config.min_agreement:.2f} is needed"
        )
    if not evidence.spread >= config.min_spread:
        return Status.POOR_SPREAD, (
            f"inliers lie in {evidence.spread:.0%} of the image, {config.min_spread:.0%} are needed"
        )
    doubt = _doubt(covariance, config, metric=metric)
    if doubt is not None:
        return Status.UNCERTAIN_POSE, doubt
    return Status.LOCALIZED, f"{inliers} of {matches} matches agree within {evidence.reprojection_error_px:.2f} px"


def _doubt(covariance: NDArray[np.float64] | None, config: LocalizerConfig, *, metric: bool) -> str | None:
    if covariance is None:
        return "the inliers do not determine the pose"
    if not np.all(np.isfinite(covariance)):
        return "the covariance is not finite"
    position_std_m, rotation_std_rad = worst_deviations(covariance)
    if metric and not position_std_m <= config.max_position_std_m:
        return f"position is uncertain by {position_std_m:.2f} m, {config.max_position_std_m:.2f} m is allowed"
    if not rotation_std_rad <= config.max_rotation_std_rad:
        return f"rotation is uncertain by {rotation_std_rad:.3f} rad, {config.max_rotation_std_rad:.3f} rad is allowed"
    return None


def worst_deviations(covariance: NDArray[np.float64]) -> tuple[float, float]:
    """Return the standard deviations along the least certain axes: position (map units) and rotation (radians)."""
    position, rotation = (np.linalg.eigvalsh(block).max() for block in (covariance[:3, :3], covariance[3:, 3:]))
    return float(np.sqrt(max(position, 0.0))), float(np.sqrt(max(rotation, 0.0)))


def _log10_choose(total: int, chosen: int) -> float:
    return (lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)) / log(10)
