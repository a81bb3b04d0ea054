# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes that are often made with poses and intrinsics, each as the correction that would undo it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, quaternion_xyzw, rigid, rigid_from_quaternion

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage

    Pose = NDArray[np.float64]

_FLIP_Y_Z = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenGL's camera axes (x right, y up, z back) to those of COLMAP and ROS (x right, y down, z ahead), and back."""
_OPTICAL_FROM_BODY = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""REP 103: from a body's axes (x ahead, y left, z up) to those of an optical frame (x right, y down, z ahead)."""
_FOCAL_FACTORS = tuple(float(factor) for factor in np.geomspace(0.25, 4.0, 17) if abs(factor - 1) > 0.05)
"""Steps of 19 %: the best one names the size of the mistake, not the focal length."""


@dataclass(frozen=True)
class Mistake:
    """A mistake.

    Attributes:
        name: what the files hold in place of what they should.
        remedy: what to do about it.
        correct: from an image as given to what it should be.
    """

    name: str
    remedy: str
    correct: Callable[[PosedImage], PosedImage]


def _with_pose(change: Callable[[Pose], Pose]) -> Callable[[PosedImage], PosedImage]:
    return lambda image: replace(image, cam_from_world=change(image.cam_from_world))


def _position_as_translation(given: Pose) -> Pose:
    return rigid(given[:3, :3], -given[:3, :3] @ given[:3, 3])


def _w_last(given: Pose) -> Pose:
    """Return the pose whose quaternion was written x, y, z, w and read as w, x, y, z."""
    x, y, z, w = quaternion_xyzw(given)  # as read
    return rigid_from_quaternion([w, x, y, z], given[:3, 3])


def _centred(image: PosedImage) -> PosedImage:
    camera = image.camera
    return replace(image, camera=replace(camera, cx=(camera.width - 1) / 2, cy=(camera.height - 1) / 2))


def _with_focal(factor: float) -> Callable[[PosedImage], PosedImage]:
    def correct(image: PosedImage) -> PosedImage:
        camera = image.camera
        return replace(image, camera=replace(camera, fx=factor * camera.fx, fy=factor * camera.fy))

    return correct


POSE_MISTAKES = (
    Mistake("world_from_cam in place of cam_from_world", "invert each pose", _with_pose(inverse)),
    Mistake(
        "camera positions in place of translations",
        "write t = -R c for the camera's position c",
        _with_pose(_position_as_translation),
    ),
    Mistake(
        "camera axes of OpenGL (y up, z back)",
        "negate the second and third row of each cam_from_world",
        _with_pose(lambda given: _FLIP_Y_Z @ given),
    ),
    Mistake(
        "world_from_cam with camera axes of OpenGL (y up, z back), as in NeRF's transforms.json",
        "negate the second and third column of each pose, then invert it",
        _with_pose(lambda given: _FLIP_Y_Z @ inverse(given)),
    ),
    Mistake(
        "body axes (x ahead, y left, z up) in place of the camera's optical axes (x right, y down, z ahead)",
        "give the poses of the optical frame",
        _with_pose(lambda given: _OPTICAL_FROM_BODY @ given),
    ),
    Mistake("quaternions with w last", "write them as QW QX QY QZ", _with_pose(_w_last)),
    Mistake(
        "world_from_cam with quaternions that have w last",
        "write them as QW QX QY QZ and invert each pose",
        _with_pose(lambda given: inverse(_w_last(given))),
    ),
)
CAMERA_MISTAKES = (
    Mistake("a principal point that is not near the middle of the image", "write the calibrated cx, cy", _centred),
    *(
        Mistake(
            f"a wrong focal length (about {factor:.2g} times the given one fits)",
            "calibrate the camera, or scale its intrinsics with its images",
            _with_focal(factor),
        )
        for factor in _FOCAL_FACTORS
    ),
)
