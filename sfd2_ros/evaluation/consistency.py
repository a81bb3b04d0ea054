# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a covariance says how wrong poses are: normalised estimation error squared (NEES).

Source: Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, section 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from sfd2_ros.core.transforms import inverse, vector_from_rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FREEDOM = 6
CONFIDENCE = 0.95
TAIL_CONFIDENCE = 0.999
"""One error in a thousand is beyond it where the covariance is right: few poses suffice to notice heavy tails."""


@dataclass(frozen=True)
class Consistency:
    """How the errors of poses compare with their covariances.

    Attributes:
        poses: number of them.
        mean_nees: mean of the normalised errors squared; 6 when the covariance is right, more when it is too small.
        median_nees: 5.35 when the covariance is right.
        bounds: within which the mean of as many independent right ones lies 19 times of 20.
        share_within: fraction of the poses whose own error is within the 95 % of its covariance.
        beyond_999: number of poses whose own error is beyond the 99.9 % of its covariance.
    """

    poses: int
    mean_nees: float
    median_nees: float
    bounds: tuple[float, float]
    share_within: float
    beyond_999: int

    @property
    def is_within(self) -> bool:
        """Whether the mean is within its bounds."""
        return self.bounds[0] <= self.mean_nees <= self.bounds[1]


def nees(map_from_base: NDArray[np.float64], covariance: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the normalised error squared of one pose.

    Args:
        map_from_base: (4, 4) estimated.
        covariance: (6, 6) of it, order and axes of ROS.
        truth: (4, 4).
    """
    turn = vector_from_rotation(map_from_base @ inverse(truth))
    error = np.concatenate([map_from_base[:3, 3] - truth[:3, 3], turn])
    return float(error @ np.linalg.solve(covariance, error))


def consistency(values: Sequence[float]) -> Consistency:
    """Summarise the NEES of several poses.

    Raises:
        ValueError: there are none.
    """
    if not len(values):
        raise ValueError("no pose was localized; there is nothing to compare with its covariance")
    count, tail = len(values), (1 - CONFIDENCE) / 2
    low, high = (float(chi2.ppf(share, FREEDOM * count)) / count for share in (tail, 1 - tail))
    within = np.asarray(values) <= chi2.ppf(CONFIDENCE, FREEDOM)
    return Consistency(
        poses=count,
        mean_nees=float(np.mean(values)),
        median_nees=float(np.median(values)),
        bounds=(low, high),
        share_within=float(np.mean(within)),
        beyond_999=int(np.sum(np.asarray(values) > chi2.ppf(TAIL_CONFIDENCE, FREEDOM))),
    )
