# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera rigs: names, intrinsics, and where each camera sits on the vehicle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HFOV_RAD = float(np.radians(80.0))

AHEAD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""base_link (x ahead, y left, z up) from an optical frame (z ahead, x right, y down) that looks ahead."""


@dataclass(frozen=True, eq=False)
class RigCamera:
    """One camera of a rig.

    Attributes:
        name: for topics, folders and frames.
        camera: intrinsics.
        base_from_cam: (4, 4) its optical frame on the vehicle, whose origin is on the ground below the middle.
    """

    name: str
    camera: Camera
    base_from_cam: NDArray[np.float64]


_MOUNTS: dict[str, tuple[tuple[str, float, tuple[float, float, float]], ...]] = {
    # Of each camera its name, its yaw in degrees, its position in metres.
    "front": (("front", 0.0, (1.0, 0.0, 1.5)),),
    "stereo": (("left", 0.0, (1.0, 0.27, 1.5)), ("right", 0.0, (1.0, -0.27, 1.5))),
    "robotcar": (
        ("left", 90.0, (0.0, 0.6, 1.7)),
        ("rear", 180.0, (-0.9, 0.0, 1.7)),
        ("right", -90.0, (0.0, -0.6, 1.7)),
    ),
}
RIGS = tuple(_MOUNTS)


def make_rig(name: str, size: tuple[int, int]) -> tuple[RigCamera, ...]:
    """Return the cameras of a rig.

    Args:
        name: "front", "stereo" or "robotcar".
        size: (w, h) of every image in pixels.

    Raises:
        ConfigError: there is no such rig.
    """
    if name not in _MOUNTS:
        raise ConfigError(f"unknown rig {name!r}; allowed: {', '.join(_MOUNTS)}")
    width, height = size
    focal = width / 2 / float(np.tan(_HFOV_RAD / 2))
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    return tuple(RigCamera(label, camera, _mount(yaw, place)) for label, yaw, place in _MOUNTS[name])


def _mount(yaw_deg: float, place: tuple[float, float, float]) -> NDArray[np.float64]:
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return rigid(turn @ AHEAD, place)
