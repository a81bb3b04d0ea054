# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of an image contradict the nominal focal length of its camera, that of camera_info.

With a wrong focal length many matches still agree on a pose, metres away: the camera seems to stand nearer or farther.
With the focal length free, far more of them agree, on one that lies many standard deviations from the nominal one. In
front of a single plane, or far from everything, every focal length fits as well, and nothing is contradicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.localization.intrinsics_fit import FOCAL_LENGTH, SURE_DEVIATIONS, fit_intrinsics
from sfd2_ros.localization.pnp import solve_pnp_free_focal

if TYPE_CHECKING:
    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.intrinsics_fit import IntrinsicsFit

_MIN_GAIN_OF_A_MATCH, _FULL_GAIN_AT = 0.2, 0.1
"""A focal length that really is 10 % off gains 0.2 to 2.9 a match, on photographs and in towns by day, night, snow and
rain [measured]; a smaller error less, by its square. Landmarks err together: with the right nominal one, hundreds of
matches in front of one wall added up to 59, 0.16 each, for one 12 % off."""


@dataclass(frozen=True)
class FocalFit:
    """The focal length that matches fit best.

    Attributes:
        scale: its ratio to the nominal one.
        deviation: standard deviation of the logarithm of `scale`.
        num_inliers: matches that agree with it.
        gain: log-likelihood of the matches, less that with the nominal one.
    """

    scale: float
    deviation: float
    num_inliers: int
    gain: float

    def contradicts(self, tolerance: float) -> bool:
        """Return whether it surely differs by more than this fraction of the nominal one."""
        off = abs(float(np.log(self.scale)))
        expected = _MIN_GAIN_OF_A_MATCH * min(1.0, off / _FULL_GAIN_AT) ** 2 * self.num_inliers
        needed = max(SURE_DEVIATIONS**2 / 2, expected)
        return off > SURE_DEVIATIONS * self.deviation and self.gain > needed and off > np.log1p(tolerance)


def fit_focal(observed: Observations, nominal: IntrinsicsFit, *, max_error_px: float) -> FocalFit | None:
    """Find the focal length that most matches agree on a pose with.

    Args:
        observed: matches of one camera, made without knowing its pose; wrong ones among them.
        nominal: the fit with the nominal intrinsics.
        max_error_px: largest reprojection error of an inlier.

    Returns:
        The focal length, or None when the matches do not determine it.
    """
    start = solve_pnp_free_focal(observed.keypoints, observed.positions, observed.camera, max_error_px=max_error_px)
    if start is None:
        return None
    pose, scale = start
    free = fit_intrinsics(observed, pose, free=FOCAL_LENGTH, scale=scale, max_error_px=max_error_px)
    if free is None:
        return None
    deviation = float(np.sqrt(free.covariance[0, 0]))
    return FocalFit(free.scale, deviation, free.num_inliers, free.likelihood - nominal.likelihood)
