# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive out of images of one camera that are named by their time, and a trajectory of that camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.bags.keyframe_choice import offered_instants
from sfd2_ros.bags.odometry_path import OdometryPath
from sfd2_ros.bags.transform_history import TransformHistory
from sfd2_ros.core.drive import Drive, Keyframe, MountedCamera
from sfd2_ros.core.errors import PoseFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_WORLD, _CAMERA = "odom", "camera"
_LONGER_THAN_ANY_DRIVE_S = 1e9
"""Nothing of a trajectory is forgotten."""


def drive_of_images(
    images: Mapping[int, str],
    camera: Camera,
    odom_from_cam: Mapping[int, NDArray[np.float64]],
    sharpness: Callable[[str], float],
    *,
    every_m: float,
    every_deg: float,
) -> Drive:
    """Choose keyframes among images, about one for each distance or turn, the sharpest there.

    Args:
        images: names by time in nanoseconds.
        camera: intrinsics of all of them.
        odom_from_cam: (4, 4) poses of the camera by time, metres; z of their frame is up. Between two poses the camera
            is interpolated.
        sharpness: of an image, by its name; the larger, the sharper.
        every_m: distance between keyframes.
        every_deg: turn between keyframes.

    Raises:
        PoseFileError: fewer than two images become keyframes; the message has the reason.
    """
    history = TransformHistory(_LONGER_THAN_ANY_DRIVE_S)
    for stamp_ns, pose in odom_from_cam.items():
        history.insert(_WORLD, _CAMERA, stamp_ns, pose, is_static=False)
    path = OdometryPath(history, _WORLD, _CAMERA)
    instants, _ = path.posed([((name, stamp_ns),) for stamp_ns, name in sorted(images.items())])
    one_camera = [type(each)(each.stamp_ns, ((_CAMERA, each.stamp_ns),), each.odom_from_base) for each in instants]
    offers = offered_instants(one_camera, every_m=every_m, every_rad=float(np.radians(every_deg)))
    chosen = [max(offer, key=lambda one: sharpness(images[one.stamp_ns])) for offer in offers]
    if len(chosen) < 2:
        raise PoseFileError(
            f"{len(chosen)} of {len(images)} images can be keyframes, two are needed: "
            f"{path.problem or 'the camera does not move'}; images and trajectory must have the same clock"
        )
    keyframes = tuple(
        Keyframe(one.stamp_ns, one.odom_from_base, ((0, images[one.stamp_ns]),), *path.way(one.stamp_ns))
        for one in chosen
    )
    return Drive((MountedCamera(_CAMERA, camera, np.eye(4)),), keyframes)
