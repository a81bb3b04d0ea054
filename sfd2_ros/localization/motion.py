# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a robot should be after its last measured pose: by odometry, or without it by going on as before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import setting
from sfd2_ros.core.transforms import (
    inverse,
    move_covariance,
    rigid,
    rotation_angle_rad,
    rotation_from_vector,
    vector_from_rotation,
)
from sfd2_ros.localization.frames import BasePose

if TYPE_CHECKING:
    from numpy.typing import NDArray

_S_PER_NS = 1e-9
"""Seconds of a nanosecond."""


@dataclass(frozen=True)
class MotionConfig:
    """Errors of a prediction by odometry, or without it by constant velocity: one standard deviation each."""

    position_floor_m: float = setting(
        0.02, "Standard deviation that a prediction adds to the position even at rest, metres.", minimum=0.0
    )
    rotation_floor_rad: float = setting(
        0.004, "Standard deviation that a prediction adds to the rotation even at rest, radians.", minimum=0.0
    )
    position_per_m: float = setting(0.05, "Position error of odometry per metre of travel, metres.", minimum=0.0)
    rotation_per_m: float = setting(0.005, "Rotation error of odometry per metre of travel, radians.", minimum=0.0)
    rotation_per_rad: float = setting(0.05, "Rotation error of odometry per radian of rotation, radians.", minimum=0.0)
    acceleration_mps2: float = setting(2.0, "Without odometry: expected acceleration, m/s^2.", minimum=0.0)
    turn_acceleration_radps2: float = setting(
        1.0, "Without odometry: expected angular acceleration, rad/s^2.", minimum=0.0
    )
    speed_mps: float = setting(15.0, "Without odometry: expected speed until it is measured, m/s.", minimum=0.0)
    turn_radps: float = setting(
        1.0,
        "Without odometry: expected angular speed until it is measured, rad/s.",
        minimum=0.0,
    )


@dataclass(frozen=True, eq=False)
class Fix:
    """A measured pose and what odometry said of it.

    Attributes:
        stamp_ns: of the images.
        base: pose of the base in the map, with covariance.
        odom_from_base: (4, 4) at that stamp; None for a robot without odometry.
        step: (4, 4) base at the fix before from base at this one, with the seconds between; None when not known.
    """

    stamp_ns: int
    base: BasePose
    odom_from_base: NDArray[np.float64] | None
    step: tuple[NDArray[np.float64], float] | None = None


def after(before: Fix | None, stamp_ns: int, base: BasePose, odom_from_base: NDArray[np.float64] | None) -> Fix:
    """Return a new fix that knows the way from the one before."""
    seconds = 0.0 if before is None else (stamp_ns - before.stamp_ns) * _S_PER_NS
    if before is None or seconds <= 0:
        return Fix(stamp_ns, base, odom_from_base)
    return Fix(stamp_ns, base, odom_from_base, (inverse(before.base.map_from_base) @ base.map_from_base, seconds))


def predict(
    last: Fix, stamp_ns: int, odom_from_base: NDArray[np.float64] | None, config: MotionConfig
) -> BasePose | None:
    """Return where the base should be, and how uncertain that is.

    Args:
        last: the last measured pose.
        stamp_ns: of the images to come.
        odom_from_base: (4, 4) at that stamp; None for a robot without odometry.
        config: how uncertain.

    Returns:
        The prediction, or None when the fix is not of an earlier moment and there is no odometry.
    """
    if last.odom_from_base is not None and odom_from_base is not None:
        moved = inverse(last.odom_from_base) @ odom_from_base
        position_std, rotation_std = odometry_deviations(moved, config)
        position_std, rotation_std = config.position_floor_m + position_std, config.rotation_floor_rad + rotation_std
        return _moved(last.base, moved, position_std, rotation_std)
    seconds = (stamp_ns - last.stamp_ns) * _S_PER_NS
    if seconds <= 0:
        return None
    if last.step is None:
        return _moved(last.base, np.eye(4), config.speed_mps * seconds, config.turn_radps * seconds)
    step, lasted = last.step
    share = seconds / lasted
    moved = rigid(rotation_from_vector(vector_from_rotation(step) * share), step[:3, 3] * share)
    time2 = seconds * (seconds + lasted) / 2
    position_std = config.position_floor_m + config.acceleration_mps2 * time2
    return _moved(last.base, moved, position_std, config.rotation_floor_rad + config.turn_acceleration_radps2 * time2)


def odometry_deviations(moved: NDArray[np.float64], config: MotionConfig) -> tuple[float, float]:
    """Return the standard deviations, in metres and radians, of what odometry misses on a way: nothing at rest.

    Args:
        moved: (4, 4) base before from base after.
        config: how uncertain; the floors are not in it, which are of a prediction and do not add up on the way.
    """
    way_m, turn_rad = float(np.linalg.norm(moved[:3, 3])), rotation_angle_rad(moved)
    return config.position_per_m * way_m, config.rotation_per_m * way_m + config.rotation_per_rad * turn_rad


def _moved(base: BasePose, moved: NDArray[np.float64], position_std: float, rotation_std: float) -> BasePose:
    covariance = move_covariance(base.covariance, base.map_from_base, moved)
    noise = np.diag([position_std**2] * 3 + [rotation_std**2] * 3)
    return BasePose(base.map_from_base @ moved, covariance + noise)


def mahalanobis2(pose: BasePose, reference: BasePose) -> float:
    """Return the squared distance of two independent poses in units of their uncertainty; chi-square of 6 degrees.

    Differences and covariances are about the axes of the map, as everywhere.
    """
    turn = vector_from_rotation(pose.map_from_base @ inverse(reference.map_from_base))
    difference = np.concatenate([pose.map_from_base[:3, 3] - reference.map_from_base[:3, 3], turn])
    return float(difference @ np.linalg.solve(pose.covariance + reference.covariance, difference))
