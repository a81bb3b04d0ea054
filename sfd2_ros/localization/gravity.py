# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a map is level, and how far a robot is from upright in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MIN_UPRIGHT = 0.9
"""Mean of the cameras' upward axes along z in a level map: cameras that look up or down by 25 degrees have 0.9."""


def is_level(cams_from_map: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether the images of a map show that its z axis points up: their cameras are upright on the whole.

    Args:
        cams_from_map: (4, 4) poses of optical frames, whose y axis points down in an upright camera.
    """
    ups = [-pose[1, :3] for pose in cams_from_map]
    return bool(ups) and float(np.mean(ups, axis=0)[2]) >= MIN_UPRIGHT


def tilt_rad(map_from_base: NDArray[np.float64]) -> float:
    """Return the angle between the z axes of base and map, radians, from map_from_base (4, 4)."""
    return float(np.arccos(np.clip(map_from_base[2, 2], -1.0, 1.0)))
