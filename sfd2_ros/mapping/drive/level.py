# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which way is up: gravity in the robot's frame, and poses made level by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import rotation_from_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_UP = np.array([0.0, 0.0, 1.0])


def up_in_base(poses: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (K, 3) the direction upwards in the robot's frame, of poses (4, 4) in a frame whose z axis is up."""
    return np.array([pose[2, :3] for pose in poses]).reshape(-1, 3)


def levelled(map_from_base: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a rotation (3, 3) turned by the smallest angle so that `up` (3,) of the robot's frame is the map's z."""
    now = map_from_base @ (up / np.linalg.norm(up))
    axis = np.cross(now, _UP)
    sine, cosine = float(np.linalg.norm(axis)), float(now @ _UP)
    if sine < 1e-12:
        return map_from_base if cosine > 0 else np.diag([1.0, -1.0, -1.0]) @ map_from_base
    turned: NDArray[np.float64] = rotation_from_vector(axis / sine * np.arctan2(sine, cosine)) @ map_from_base
    return turned


def yaw_only(map_from_base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation (3, 3) about the vertical that a rotation has."""
    yaw = np.arctan2(map_from_base[1, 0], map_from_base[0, 0])
    return rotation_from_vector([0.0, 0.0, yaw])
