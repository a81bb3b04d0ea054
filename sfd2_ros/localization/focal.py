# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of a picture contradict the focal length that its camera is said to have.

With a wrong focal length many matches still agree on a pose, metres away: the camera seems to stand nearer, or farther
off. What gives it away: with the focal length free they agree far better, on one that lies many standard deviations
from what was said. Before a single plane, or from afar, every focal length fits as well, and nothing is contradicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.localization.intrinsics_fit import FOCAL_LENGTH, SURE_DEVIATIONS, fit_intrinsics
from sfd2_ros.localization.pnp import solve_pnp_free_focal

if TYPE_CHECKING:
    from sfd2_ros.geometry.refine import Observations
    from sfd2_ros.localization.intrinsics_fit import IntrinsicsFit

_LEAST_GAIN_OF_A_MATCH, _GAIN_GROWS_TO = 0.2, 0.1
"""A focal length that really is 10 % off gains 0.2 to 2.9 a match, on photographs and in towns by day, night, snow and
rain [measured]; a smaller error less, by its square. Landmarks err together: where the right one was said, hundreds of
matches before one wall added up to 59, 0.16 each, for one 12 % off."""


@dataclass(frozen=True)
class FocalFit:
    """The focal length that matches fit best.

    Attributes:
        scale: its ratio to the one that was said.
        deviation: standard deviation of the logarithm of `scale`.
        num_inliers: matches that agree with it.
        gain: how much likelier it makes the matches than the one that was said, as a logarithm.
    """

    scale: float
    deviation: float
    num_inliers: int
    gain: float

    def contradicts(self, tolerance: float) -> bool:
        """Return whether it surely differs by more than a share of what was said."""
        off = abs(float(np.log(self.scale)))
        expected = _LEAST_GAIN_OF_A_MATCH * min(1.0, off / _GAIN_GROWS_TO) ** 2 * self.num_inliers
        needed = max(SURE_DEVIATIONS**2 / 2, expected)
        return off > SURE_DEVIATIONS * self.deviation and self.gain > needed and off > np.log1p(tolerance)


def fit_focal(observed: Observations, said: IntrinsicsFit, *, max_error_px: float) -> FocalFit | None:
    """Find the focal length that most matches agree on a pose with.

    Args:
        observed: matches of one camera, made without knowing its pose; wrong ones among them.
        said: what they fit with the intrinsics that were said.
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
    return FocalFit(free.scale, deviation, free.num_inliers, free.likelihood - said.likelihood)
