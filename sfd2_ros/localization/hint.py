# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A hint where the robot is. It never gives a pose; the gate `hint` rejects poses that contradict it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, vector_from_rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.localization.frames import BasePose


@dataclass(frozen=True, eq=False)
class PlaceHint:
    """Where somebody says that the robot is.

    Attributes:
        map_from_base: (4, 4) pose of the base in the map, metres.
        variances: (6,) of x, y, z, rotX, rotY, rotZ, square metres and square radians; 0 where nothing is said of an
            axis, as rviz's 2D pose leaves height, roll and pitch.

    Raises:
        ValueError: a variance is negative or not finite, or nothing is said of any axis.
    """

    map_from_base: NDArray[np.float64]
    variances: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.variances)) or np.any(self.variances < 0) or not np.any(self.variances > 0):
            raise ValueError(
                f"variances of the hint are {np.asarray(self.variances).tolist()}; they must be finite, not "
                "negative, and positive for at least one axis"
            )

    def deviations(self, pose: BasePose) -> float:
        """Return how far a measured pose is from the hint, in standard deviations of the axis where it is worst."""
        turn = vector_from_rotation(pose.map_from_base @ inverse(self.map_from_base))
        shift = pose.map_from_base[:3, 3] - self.map_from_base[:3, 3]
        given = self.variances > 0
        sigma = np.sqrt(self.variances + np.diag(pose.covariance))
        return float(np.max(np.abs(np.concatenate([shift, turn]))[given] / sigma[given]))
