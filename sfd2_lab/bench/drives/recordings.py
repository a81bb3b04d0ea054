# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings with known poses: read from bags of the simulator, or made from a scene of real images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.simulation.recording import BASE, GROUND_TRUTH, Recording
from sfd2_lab.simulation.rigs import AHEAD, RigCamera
from sfd2_ros.bags.bag_transforms import bag_transforms
from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.bags.image_messages import decode_image
from sfd2_ros.bags.image_topics import choose_image_topics
from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.evaluation.trajectory_file import read_tum
from sfd2_ros.features.images import read_image
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.mapping.scene import Scene

FIRST_STAMP_NS = 1_600_000_000 * NS_PER_S
"""Of recordings made from scenes: time 0 means "unknown" in ROS."""
CAMERA_HEIGHT_M = 1.65
"""Of the camera above the ground, as KITTI's; odometry is of the ground below it."""


@dataclass(frozen=True, eq=False)
class TakenImage:
    """An image of a recording.

    Attributes:
        stamp_ns: time.
        camera: that took it.
        image: (h, w, 3) uint8 RGB.
        map_from_base: (4, 4) the true pose of the vehicle.
    """

    stamp_ns: int
    camera: RigCamera
    image: NDArray[np.uint8]
    map_from_base: NDArray[np.float64]


def read_recording(bag: Path, seed: int) -> Recording:
    """Return the motion of a bag of the simulator without faults; `seed` decides the errors of its sensors."""
    poses = {stamp: inverse(pose) for stamp, pose in read_tum(bag / GROUND_TRUTH).items()}
    with BagReader(bag) as reader:
        rig = tuple(_rig(reader).values())
    return Recording(list(poses.values()), list(poses), rig, seed)


def recorded_images(bag: Path) -> Iterator[TakenImage]:
    """Yield the images of a bag of the simulator, in the order of time."""
    poses = {stamp: inverse(pose) for stamp, pose in read_tum(bag / GROUND_TRUTH).items()}
    with BagReader(bag) as reader:
        rig = _rig(reader)
        for message in reader.messages(rig):
            image = reader.decode(message)
            stamp = stamp_ns(image.header.stamp)
            yield TakenImage(stamp, rig[message.topic], decode_image(image), poses[stamp])


def scene_recording(folder: Path, list_name: str, rate_hz: float) -> tuple[Recording, list[TakenImage]]:
    """Make a recording of one camera from a scene, so that a real drive can be given another odometry.

    The base is on the ground below the camera, x ahead; the map is the scene's, turned so that its first image looks
    along x and z is up.

    Args:
        folder: with images/ and sparse/ with metric poses.
        list_name: of its images, in the order of time.
        rate_hz: of the images.

    Raises:
        SceneError: the scene or the list is not there, or its images have several cameras.
    """
    scene: Scene = load_scene(folder)
    images = scene.select(list_name)
    cameras = {one.camera for one in images}
    if len(cameras) != 1:
        raise SceneError(f"scene {str(folder)!r} has images of {len(cameras)} cameras in {list_name}; one is allowed")
    mount = RigCamera("front", cameras.pop(), rigid(AHEAD, (0.0, 0.0, CAMERA_HEIGHT_M)))
    map_from_world = mount.base_from_cam @ scene.images[min(scene.images)].cam_from_world
    taken = []
    for number, one in enumerate(images):
        map_from_base = map_from_world @ inverse(one.cam_from_world) @ inverse(mount.base_from_cam)
        stamp = FIRST_STAMP_NS + round(number * NS_PER_S / rate_hz)
        taken.append(TakenImage(stamp, mount, read_image(scene.image_folder / one.name), map_from_base))
    recording = Recording([one.map_from_base for one in taken], [one.stamp_ns for one in taken], (mount,), 0)
    return recording, taken


def _rig(reader: BagReader) -> dict[str, RigCamera]:
    """Return the cameras of a bag by their image topics."""
    infos, _ = choose_image_topics(reader, ())
    history = bag_transforms(reader)
    rig = {}
    for topic, info in infos.items():
        message = reader.decode(next(iter(reader.messages([info]))))
        frame = message.header.frame_id
        camera = camera_from_message(message, (message.height, message.width), rectified=False)
        mount = history.lookup(BASE, frame, stamp_ns(message.header.stamp))
        rig[topic] = RigCamera(frame.removesuffix("_optical"), camera, mount)
    return rig
