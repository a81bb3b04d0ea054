# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive of a robot as what a map is made from: a rig of cameras, keyframes with odometry, GNSS fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera


@dataclass(frozen=True, eq=False)
class MountedCamera:
    """A camera of a rig.

    Attributes:
        name: of the camera, unique in the rig.
        camera: its intrinsics.
        base_from_cam: (4, 4) its optical frame on the robot, metres.
    """

    name: str
    camera: Camera
    base_from_cam: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Keyframe:
    """The images that a rig took at one moment, and the odometry at that moment.

    Attributes:
        stamp_ns: of the images.
        odom_from_base: (4, 4) pose of the robot by odometry, metres.
        images: index of the camera in the rig, and name of the image below the folder of images.
        travelled_m: way since the start of the drive by odometry, metres.
        turned_rad: sum of the angles turned since the start of the drive by odometry, radians.
    """

    stamp_ns: int
    odom_from_base: NDArray[np.float64]
    images: tuple[tuple[int, str], ...]
    travelled_m: float
    turned_rad: float


@dataclass(frozen=True, eq=False)
class PositionFix:
    """A position by GNSS.

    Attributes:
        stamp_ns: of the fix.
        latitude_deg: WGS84.
        longitude_deg: WGS84.
        altitude_m: above the ellipsoid.
        covariance_m2: (3, 3) east, north, up.
        odom_from_antenna: (4, 4) pose of the antenna by odometry at that moment, metres.
    """

    stamp_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    covariance_m2: NDArray[np.float64]
    odom_from_antenna: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drive:
    """A drive.

    Attributes:
        cameras: of the rig.
        keyframes: in the order of time.
        fixes: of GNSS, in the order of time; empty without a receiver.
    """

    cameras: tuple[MountedCamera, ...]
    keyframes: tuple[Keyframe, ...]
    fixes: tuple[PositionFix, ...] = ()

    @property
    def images(self) -> list[tuple[int, int, str]]:
        """Keyframe, camera and name of every image, keyframe after keyframe."""
        return [
            (number, camera, name) for number, keyframe in enumerate(self.keyframes) for camera, name in keyframe.images
        ]
