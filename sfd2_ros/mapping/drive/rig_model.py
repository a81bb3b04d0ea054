# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive as COLMAP's model: the robot is the rig, each keyframe a frame, each image one of its cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points, matrix_from_rigid3d, rigid3d_from_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features

_RIG_ID = 1
"""A drive has one rig."""


def posed_images(drive: Drive, map_from_base: Sequence[NDArray[np.float64]]) -> list[PosedImage]:
    """Return the images of a drive with the poses that poses (4, 4) of the robot give them."""
    images = []
    for number, camera, name in drive.images:
        mounted = drive.cameras[camera]
        images.append(PosedImage(name, mounted.camera, inverse(map_from_base[number] @ mounted.base_from_cam)))
    return images


def rig_model(
    drive: Drive, map_from_base: Sequence[NDArray[np.float64]], features: Sequence[Features], points: Any
) -> Any:
    """Return a pycolmap.Reconstruction of a drive in which the poses of the robot are the unknowns.

    The robot's base is the rig's origin: a sensor without images, since no camera need lie there.

    Args:
        drive: cameras and keyframes.
        map_from_base: (4, 4) pose of each keyframe.
        features: of each image of `drive.images`.
        points: a pycolmap.Reconstruction whose image ids are the indices of `drive.images` plus one; its points are
            taken.

    Returns:
        The reconstruction; ids of frames are those of keyframes plus one.
    """
    model = pycolmap.Reconstruction()
    rig = pycolmap.Rig(rig_id=_RIG_ID)
    rig.add_ref_sensor(pycolmap.sensor_t(type=pycolmap.SensorType.IMU, id=1))
    for number, mounted in enumerate(drive.cameras, start=1):
        camera = colmap_camera(mounted.camera)
        camera.camera_id = number
        model.add_camera(camera)
        rig.add_sensor(_sensor(number), rigid3d_from_matrix(inverse(mounted.base_from_cam)))
    model.add_rig(rig)
    image_ids: list[list[tuple[int, int]]] = [[] for _ in drive.keyframes]
    for image_id, (number, camera_index, _) in enumerate(drive.images, start=1):
        image_ids[number].append((image_id, camera_index))
    for number, pose in enumerate(map_from_base):
        frame = pycolmap.Frame(frame_id=number + 1, rig_id=_RIG_ID)
        for image_id, camera_index in image_ids[number]:
            frame.add_data_id(pycolmap.data_t(sensor_id=_sensor(camera_index + 1), id=image_id))
        frame.rig_from_world = rigid3d_from_matrix(inverse(pose))
        model.add_frame(frame)
    for image_id, (number, camera_index, name) in enumerate(drive.images, start=1):
        keypoints = colmap_points(features[image_id - 1].keypoints)
        image = pycolmap.Image(
            name=name,
            camera_id=camera_index + 1,
            image_id=image_id,
            points2D=[pycolmap.Point2D(xy) for xy in keypoints],
        )
        image.frame_id = number + 1
        model.add_image(image)
    for number in range(len(map_from_base)):
        model.register_frame(number + 1)
    for point in points.points3D.values():
        model.add_point3D(point.xyz, point.track)
    return model


def poses_of(model: Any) -> list[NDArray[np.float64]]:
    """Return map_from_base (4, 4) of every keyframe of a model."""
    return [
        inverse(matrix_from_rigid3d(model.frame(number + 1).rig_from_world)) for number in range(model.num_frames())
    ]


def positions(poses: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (K, 3) positions of poses (4, 4)."""
    return np.array([pose[:3, 3] for pose in poses]).reshape(-1, 3)


def _sensor(camera_id: int) -> Any:
    return pycolmap.sensor_t(type=pycolmap.SensorType.CAMERA, id=camera_id)
