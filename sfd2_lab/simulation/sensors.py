# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a vehicle records beside its images: drifting odometry, fixes of a GNSS receiver, an IMU; and their faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.odometry import drifting, jumping
from sfd2_lab.simulation.randomness import generator
from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.geometry.geodesy import geodetic_from_enu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pose = NDArray[np.float64]

FAULTS = {
    "odometry_jump": "odometry jumps 5 m to its left at half of the drive",
    "camera_off": "the cameras give no image for 20 s from a third of the drive on",
    "gnss_outliers": "5 % of the fixes are some 30 m wrong, with the covariance of the others",
    "gnss_multipath": "a fifth of the fixes, one after another, are moved by 8 m",
    "no_camera_info": "no camera_info",
    "no_tf": "neither /tf nor /tf_static",
    "truncated": "the data file ends after 70 % of its bytes",
}
"""Of a recording, by name."""
HEADING_WAY_M = 60.0
"""The way for which `SensorConfig.odometry_heading_deg` counts: good wheel odometry turns 2 degrees in 60 m."""
DATUM = (48.1372, 11.5755, 519.0)
"""Latitude and longitude in degrees and height in metres (WGS84) of the origin of each simulated town."""
BASE_FROM_ANTENNA = rigid(np.eye(3), (-0.4, 0.0, 1.9))
"""On the roof, behind the middle of the vehicle."""
GRAVITY_MPS2 = 9.81
"""At a middle latitude; an accelerometer at rest measures it upwards."""
JUMP_M, OFF_S, OUTLIER_M, OUTLIER_SHARE, MULTIPATH_M, KEPT_SHARE = 5.0, 20.0, 30.0, 0.05, 8.0, 0.7
"""How large the faults are. Chosen to be plain: each is several times what noise explains."""
_UP_NOISE = 2.0
"""Fixes are about twice as noisy in height, as satellites are seen above the horizon only."""
_ACCELERATION_NOISE_MPS2 = 0.05
"""Of a cheap inertial sensor, vibration included."""


@dataclass(frozen=True)
class SensorConfig:
    """What a bag has beside images, and what goes wrong.

    Attributes:
        odometry_scale: fraction by which odometry measures distances too long; None: drawn, with a deviation of 1 %.
        odometry_heading_deg: by which odometry turns left too far, degrees in 60 m; None: drawn, with a deviation of 2.
        gnss_noise_m: standard deviation of a fix towards east and north, metres; twice as much in height; None: no
            receiver.
        has_imu: whether there is an inertial sensor.
        faults: names of `FAULTS`.
    """

    odometry_scale: float | None = None
    odometry_heading_deg: float | None = None
    gnss_noise_m: float | None = None
    has_imu: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fix:
    """A fix of a GNSS receiver.

    Attributes:
        stamp_ns: time.
        geodetic: latitude and longitude in degrees, height in metres above the ellipsoid WGS84.
        stddev_m: (3,) standard deviations towards east, north and up that the receiver reports.
    """

    stamp_ns: int
    geodetic: tuple[float, float, float]
    stddev_m: tuple[float, float, float]


def check_sensors(config: SensorConfig) -> None:
    """Check the settings of a recording.

    Raises:
        ConfigError: an unknown fault, or a fault of a receiver that is not there.
    """
    for fault in config.faults:
        if fault not in FAULTS:
            raise ConfigError(f"unknown fault {fault!r}; allowed: {', '.join(FAULTS)}")
        if fault.startswith("gnss") and config.gnss_noise_m is None:
            raise ConfigError(f"fault {fault!r} needs a GNSS receiver; set its noise with --gnss METRES")


def odometry(poses: Sequence[Pose], config: SensorConfig, seed: int) -> list[Pose]:
    """Return odom_from_base (4, 4) for map_from_base (4, 4) of a drive."""
    degrees = config.odometry_heading_deg
    bias = None if degrees is None else float(np.radians(degrees)) / HEADING_WAY_M
    estimates = drifting(poses, seed, scale_error=config.odometry_scale, heading_rad_per_m=bias)
    return jumping(estimates, len(estimates) // 2, JUMP_M) if "odometry_jump" in config.faults else estimates


def gnss_fixes(poses: Sequence[Pose], stamps_ns: Sequence[int], config: SensorConfig, seed: int) -> list[Fix]:
    """Return a fix of the antenna each second; none without a receiver.

    Args:
        poses: map_from_base (4, 4); the axes of the map are east, north and up, its origin lies at `DATUM`.
        stamps_ns: of the poses.
        config: noise and faults.
        seed: of the noise.
    """
    if config.gnss_noise_m is None:
        return []
    rng = generator(seed, "gnss")
    chosen = _every_second(stamps_ns)
    places = np.array([(poses[index] @ BASE_FROM_ANTENNA)[:3, 3] for index in chosen])
    stddev = config.gnss_noise_m * np.array([1.0, 1.0, _UP_NOISE])
    places = places + rng.normal(size=places.shape) * stddev
    is_wrong, angles = rng.random(len(places)) < OUTLIER_SHARE, rng.uniform(0, 2 * np.pi, (2, len(places)))
    if "gnss_outliers" in config.faults:
        places[is_wrong, :2] += OUTLIER_M * np.stack([np.cos(angles[0]), np.sin(angles[0])], 1)[is_wrong]
    if "gnss_multipath" in config.faults:
        first, last = int(0.5 * len(places)), int(np.ceil(0.7 * len(places)))
        places[first:last, :2] += MULTIPATH_M * np.array([np.cos(angles[1, 0]), np.sin(angles[1, 0])])
    geodetic = geodetic_from_enu(places, DATUM)
    return [
        Fix(stamps_ns[index], (float(one[0]), float(one[1]), float(one[2])), (stddev[0], stddev[1], stddev[2]))
        for index, one in zip(chosen, geodetic, strict=True)
    ]


def accelerations(poses: Sequence[Pose], seed: int) -> NDArray[np.float64]:
    """Return (N, 3) what an accelerometer on the vehicle measures, metres a second squared: gravity and noise.

    The vehicle's own acceleration is left out: it is small beside gravity, and its mean is zero.

    Args:
        poses: map_from_base (4, 4), z up.
        seed: of the noise.
    """
    upwards = np.array([pose[2, :3] for pose in poses]).reshape(-1, 3)
    noise = generator(seed, "imu").normal(size=upwards.shape)
    measured: NDArray[np.float64] = GRAVITY_MPS2 * upwards + _ACCELERATION_NOISE_MPS2 * noise
    return measured


def is_camera_on(stamp_ns: int, stamps_ns: Sequence[int], config: SensorConfig) -> bool:
    """Return whether the cameras record at a time of a drive with these stamps."""
    since_off_s = (stamp_ns - stamps_ns[0] - (stamps_ns[-1] - stamps_ns[0]) // 3) / NS_PER_S
    return "camera_off" not in config.faults or not 0 <= since_off_s < OFF_S


def _every_second(stamps_ns: Sequence[int]) -> list[int]:
    """Return the indices of the first stamp and of the first one in each second after it."""
    seconds = [(stamp - stamps_ns[0]) // NS_PER_S for stamp in stamps_ns]
    return [index for index, second in enumerate(seconds) if index == 0 or second != seconds[index - 1]]
