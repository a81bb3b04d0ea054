# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the pose of a camera to the frames a robot needs (REP 105): map to base_link, and map to odom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, move_covariance

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BasePose:
    """A pose of the robot, measured or predicted.

    Attributes:
        map_from_base: (4, 4) pose of the base in the map, metres.
        covariance: (6, 6) of that pose, order (x, y, z, rotX, rotY, rotZ), metres and radians about the map's axes.
    """

    map_from_base: NDArray[np.float64]
    covariance: NDArray[np.float64]


def base_pose(camera: BasePose, base_from_cam: NDArray[np.float64]) -> BasePose:
    """Move the pose of a camera to the base.

    Args:
        camera: its pose in the map.
        base_from_cam: (4, 4) the camera's optical frame in the base, at the stamp of the image.
    """
    cam_from_base = inverse(base_from_cam)
    return BasePose(
        camera.map_from_base @ cam_from_base,
        move_covariance(camera.covariance, camera.map_from_base, cam_from_base),
    )


def map_from_odom(map_from_base: NDArray[np.float64], odom_from_base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the drift of odometry: where the odom frame lies in the map.

    Args:
        map_from_base: (4, 4) measured pose of the base at the stamp of an image.
        odom_from_base: (4, 4) pose by odometry at the same stamp.

    Returns:
        (4, 4) map_from_odom, so that map_from_odom @ odom_from_base is the measured pose.
    """
    return map_from_base @ inverse(odom_from_base)


def worst_deviations(covariance: NDArray[np.float64]) -> tuple[float, float]:
    """Return the standard deviations along the least certain axes: position (map units) and rotation (radians).

    Args:
        covariance: (6, 6) of a pose.
    """
    position, rotation = (np.linalg.eigvalsh(block).max() for block in (covariance[:3, :3], covariance[3:, 3:]))
    return float(np.sqrt(max(position, 0.0))), float(np.sqrt(max(rotation, 0.0)))
