# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixes of GNSS as positions of keyframes in a local frame (east, north, up), and the pose of a drive in that frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.geometry.geodesy import enu_from_geodetic
from sfd2_ros.mapping.drive.adjustment import PositionPrior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive, PositionFix

    Poses = Sequence[NDArray[np.float64]]

_ROUNDS = 30
"""Of weights and alignment: they change little after ten. Not tuned."""
_LEAST_SIGMA_M = 0.01
"""No receiver is more exact; a covariance of zeros would tie the map to one fix."""
_OBSERVABLE_SIGMA_RAD = 0.03
"""Of the heading that fixes give a drive: beyond, the drive is too short for its fixes. Not tuned."""
_OBSERVABLE_SCALE_SIGMA = 0.01
"""Odometry of wheels is about as exact: beyond, its scale is kept."""
_MIN_FIXES = 5
"""Two define a placement; the others show outliers. Not tuned."""
_NEAR_NS = 2_000_000_000
"""Odometry of two seconds is off by less than a fix. Not tuned."""


@dataclass(frozen=True)
class Datum:
    """The origin of the map on the WGS84 ellipsoid; x is east, y north, z up there.

    Attributes:
        latitude_deg: of the origin.
        longitude_deg: of the origin.
        altitude_m: of the origin, above the ellipsoid.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a drive lies in the local frame of its fixes.

    Attributes:
        enu_from_map: (4, 4) with a turn about the vertical alone.
        scale: by which lengths of the drive must be multiplied.
        scale_sigma: its standard deviation, for fixes whose errors are independent.
        heading_sigma_rad: of the turn.
    """

    enu_from_map: NDArray[np.float64]
    scale: float
    scale_sigma: float
    heading_sigma_rad: float

    @property
    def is_heading_observed(self) -> bool:
        """Whether the fixes give the drive a direction."""
        return self.heading_sigma_rad <= _OBSERVABLE_SIGMA_RAD

    @property
    def is_scale_observed(self) -> bool:
        """Whether the fixes give the drive a scale that is better than odometry's."""
        return self.scale_sigma <= _OBSERVABLE_SCALE_SIGMA


def datum_of(fixes: Sequence[PositionFix]) -> Datum:
    """Return the median of fixes as the origin of the local frame."""
    places = np.median([(one.latitude_deg, one.longitude_deg, one.altitude_m) for one in fixes], axis=0)
    return Datum(*map(float, places))


def enu_positions(fixes: Sequence[PositionFix], datum: Datum) -> NDArray[np.float64]:
    """Return (P, 3) positions of fixes east, north and up of a datum, metres."""
    places = np.array([(one.latitude_deg, one.longitude_deg, one.altitude_m) for one in fixes]).reshape(-1, 3)
    return enu_from_geodetic(places, (datum.latitude_deg, datum.longitude_deg, datum.altitude_m))


def near_fixes(drive: Drive) -> tuple[PositionFix, ...]:
    """Return the fixes that are near a keyframe in time: far from one, odometry would move them."""
    stamps = np.array([one.stamp_ns for one in drive.keyframes])
    return tuple(fix for fix in drive.fixes if np.min(np.abs(stamps - fix.stamp_ns)) <= _NEAR_NS)


def nearest_keyframes(drive: Drive) -> NDArray[np.int64]:
    """Return (P,) the keyframe nearest in time to each fix."""
    stamps = np.array([one.stamp_ns for one in drive.keyframes])
    return np.array([int(np.argmin(np.abs(stamps - fix.stamp_ns))) for fix in drive.fixes], np.int64)


def antennas(drive: Drive, poses: Poses, keyframes: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
    """Return (P, 3) where the antenna was at each fix, by the pose of the nearest keyframe and odometry from there."""
    places = []
    for fix, number in zip(drive.fixes, keyframes, strict=True):
        in_base = (inverse(drive.keyframes[number].odom_from_base) @ fix.odom_from_antenna)[:3, 3]
        places.append(poses[number][:3, :3] @ (scale * in_base) + poses[number][:3, 3])
    return np.array(places).reshape(-1, 3)


def place_drive(drive: Drive, poses: Poses, enu: NDArray[np.float64], *, scale: float = 1.0) -> Placement | None:
    """Find turn, position and scale that lay a level drive on its fixes; outliers count little.

    Args:
        drive: with fixes.
        poses: map_from_base (4, 4) of each keyframe, level.
        enu: (P, 3) positions of the fixes.
        scale: of odometry, between keyframes and fixes.

    Returns:
        The placement, or None with too few fixes.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991, in
    the plane, with Cauchy's weights.
    """
    if len(enu) < _MIN_FIXES:
        return None
    measured = antennas(drive, poses, nearest_keyframes(drive), scale)
    sigma = np.sqrt([max(np.trace(fix.covariance_m2[:2, :2]) / 2, _LEAST_SIGMA_M**2) for fix in drive.fixes])
    own, there = measured[:, 0] + 1j * measured[:, 1], enu[:, 0] + 1j * enu[:, 1]
    weights = sigma**-2.0
    turn, shift = 1.0 + 0j, 0.0 + 0j
    for _ in range(_ROUNDS):
        middle, middle_there = np.average(own, weights=weights), np.average(there, weights=weights)
        spread = float(np.sum(weights * np.abs(own - middle) ** 2))
        turn = np.sum(weights * np.conj(own - middle) * (there - middle_there)) / max(spread, 1e-12)
        shift = middle_there - turn * middle
        missed = np.abs(turn * own + shift - there) / sigma
        weights = 1 / (sigma**2 * (1 + (missed / 2.0) ** 2))
    relative_sigma = float(1 / np.sqrt(max(spread, 1e-12)))
    up = float(np.median(enu[:, 2] - abs(turn) * measured[:, 2]))
    placed = rigid(rotation_from_vector([0, 0, np.angle(turn)]), [shift.real, shift.imag, up])
    return Placement(placed, float(abs(turn)), relative_sigma, relative_sigma)


def position_priors(drive: Drive, poses: Poses, enu: NDArray[np.float64], *, scale: float = 1.0) -> list[PositionPrior]:
    """Return the fixes as positions of the robot at the nearest keyframes.

    Args:
        drive: with fixes.
        poses: map_from_base (4, 4) in the local frame, whose rotations move the antenna to the robot's origin.
        enu: (P, 3) positions of the fixes.
        scale: of odometry.
    """
    keyframes = nearest_keyframes(drive)
    measured = antennas(drive, poses, keyframes, scale)
    priors = []
    for fix, number, antenna, place in zip(drive.fixes, keyframes, measured, enu, strict=True):
        loose = fix.covariance_m2 + _LEAST_SIGMA_M**2 * np.eye(3)
        priors.append(PositionPrior(int(number), place - (antenna - poses[number][:3, 3]), loose))
    return priors


def moved(poses: Poses, placement: Placement, scale: float) -> list[NDArray[np.float64]]:
    """Return poses (4, 4) in the local frame, with their lengths times `scale`."""
    there = []
    for pose in poses:
        rotation = placement.enu_from_map[:3, :3] @ pose[:3, :3]
        place = placement.enu_from_map[:3, :3] @ (scale * pose[:3, 3]) + placement.enu_from_map[:3, 3]
        there.append(rigid(rotation, place))
    return there
