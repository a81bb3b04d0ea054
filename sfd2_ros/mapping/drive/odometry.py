# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What odometry measures between keyframes, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.mapping.drive.config import DriveConfig

_LEAST_SIGMA_M, _LEAST_SIGMA_RAD = 0.003, 0.0005
"""Of a step of a robot that stands: encoders and interpolation are no better than 3 mm and 0.03 degrees. Not tuned."""


@dataclass(frozen=True, eq=False)
class RelativePose:
    """A measured pose of one keyframe in another.

    Attributes:
        first: index of a keyframe.
        second: of a later one.
        first_from_second: (4, 4) pose of the robot at the second in its frame at the first, metres.
        sigma_m: standard deviation of the position, metres.
        sigma_rad: standard deviation of the rotation, radians.
        inliers: matches that agree with it; 0 for odometry.
    """

    first: int
    second: int
    first_from_second: NDArray[np.float64]
    sigma_m: float
    sigma_rad: float
    inliers: int = 0


def odometry_steps(drive: Drive, config: DriveConfig) -> list[RelativePose]:
    """Return what odometry measures from each keyframe to the next.

    Errors of odometry are systematic, so that they grow with the way and not with its root.
    """
    steps = []
    for number in range(len(drive.keyframes) - 1):
        first, second = drive.keyframes[number : number + 2]
        metres, radians = second.travelled_m - first.travelled_m, second.turned_rad - first.turned_rad
        sigma_rad = np.hypot(np.radians(config.odometry_deg_per_m) * metres, config.odometry_turn_share * radians)
        steps.append(
            RelativePose(
                number,
                number + 1,
                inverse(first.odom_from_base) @ second.odom_from_base,
                sigma_m=float(np.hypot(config.odometry_share * metres, _LEAST_SIGMA_M)),
                sigma_rad=float(np.hypot(sigma_rad, _LEAST_SIGMA_RAD)),
            )
        )
    return steps


def covariance(measured: RelativePose) -> NDArray[np.float64]:
    """Return the (6, 6) covariance in the order of COLMAP: rotation, position."""
    return np.diag([measured.sigma_rad**2] * 3 + [measured.sigma_m**2] * 3)


def scaled(steps: Sequence[RelativePose], scale: float) -> list[RelativePose]:
    """Return steps with their lengths times `scale`."""
    result = []
    for step in steps:
        pose = step.first_from_second.copy()
        pose[:3, 3] *= scale
        result.append(RelativePose(step.first, step.second, pose, step.sigma_m * scale, step.sigma_rad, step.inliers))
    return result
