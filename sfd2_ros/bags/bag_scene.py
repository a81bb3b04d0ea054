# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Posed photographs out of a rosbag2: its cameras' images where the robot had moved on, with poses by TF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.bags.bag_transforms import bag_transforms
from sfd2_ros.bags.camera_images import CameraImages, image_name, read_calibrations, write_image
from sfd2_ros.bags.image_topics import choose_image_topics
from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.config import check_config, setting
from sfd2_ros.core.errors import BagError
from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.core.types import PosedImage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.bags.reader import BagMessage, BagReader
    from sfd2_ros.bags.transform_history import TransformHistory


@dataclass(frozen=True)
class BagSceneConfig:
    """Which images of a bag to take, and where their poses come from."""

    image_topics: tuple[str, ...] = setting((), "Topics to take; empty: one of each camera that has a camera_info.")
    frame: str = setting("odom", "Frame on TF in which the robot's poses are; it becomes the frame of the map.")
    pose_topic: str = setting("", "Topic with poses of the robot in that frame, used in place of TF; empty: TF.")
    base_frame: str = setting("base_link", "Frame that the poses of pose_topic are of.")
    gnss_topic: str = setting(
        "", "Topic of NavSatFix to place the map on the earth; empty: the only one there is; none: no fixes."
    )
    every_m: float = setting(0.5, "An image is taken when its camera has moved this far, metres.", minimum=0.0)
    every_deg: float = setting(10.0, "An image is taken when its camera has turned this far, degrees.", minimum=0.0)


@dataclass(frozen=True)
class BagSceneReport:
    """What became of a bag's images.

    Attributes:
        offered: images on the chosen topics.
        without_pose: images at whose stamp TF had no pose.
        without_camera: images for which the camera was not calibrated, or whose camera_info does not fit them.
        unreadable: images that could not be decoded.
        images: taken.
        notes: sentences for the user: which topics were left out, and why images have no camera.
    """

    offered: int
    without_pose: int
    without_camera: int
    unreadable: int
    images: tuple[PosedImage, ...]
    notes: tuple[str, ...]


def extract_bag_scene(
    bag: BagReader, folder: Path, config: BagSceneConfig, progress: Callable[[str, int, int], None]
) -> BagSceneReport:
    """Write the images of a bag that are worth mapping into a folder, and find their poses.

    Args:
        bag: open.
        folder: an existing folder; images become <topic>/<stamp in nanoseconds>.png below it.
        config: which images.
        progress: called with step, done, total.

    Raises:
        ConfigError: a setting is not allowed.
        BagError: no such topics, two topics of one camera, no TF, or no image has a pose and a camera; says why.
        CameraError: a chosen topic has no camera_info.
    """
    check_config(config)
    infos, notes = choose_image_topics(bag, config.image_topics)
    counts = {topic.name: topic.count for topic in bag.topics}
    total, done = sum(counts[name] for name in infos), 0
    history = bag_transforms(bag, config.pose_topic or None, config.base_frame)
    calibrations = read_calibrations(bag, infos)
    takers = {topic: _Taker(topic, CameraImages(calibrations), folder, history, config) for topic in infos}
    for message in bag.messages(infos):
        progress("read", done, total)
        takers[message.topic].offer(message, bag.decode(message))
        done += 1
    progress("read", total, total)
    report = BagSceneReport(
        offered=done,
        without_pose=sum(one.without_pose for one in takers.values()),
        without_camera=sum(one.reader.without_camera for one in takers.values()),
        unreadable=sum(one.reader.unreadable for one in takers.values()),
        images=tuple(image for one in takers.values() for image in one.images),
        notes=(*notes, *(one.camera_note() for one in takers.values() if one.reader.without_camera)),
    )
    if not report.images:
        reason = next((one.problem for one in takers.values() if one.problem), "the topics are empty")
        raise BagError(
            f"none of {done} images can be mapped: {reason}; the frame of the poses is named with --frame, a topic of "
            "poses with --pose-topic"
        )
    return report


class _Taker:
    """Takes the images of one camera that show something new."""

    def __init__(
        self,
        topic: str,
        reader: CameraImages,
        folder: Path,
        history: TransformHistory,
        config: BagSceneConfig,
    ) -> None:
        self.reader = reader
        self._topic, self._folder, self._history, self._config = topic, folder, history, config
        self._last: NDArray[np.float64] | None = None
        self.images: list[PosedImage] = []
        self.without_pose = 0
        self.problem = ""

    def offer(self, message: BagMessage, decoded: Any) -> None:
        """Take an image if its camera has moved or turned far enough since the last one."""
        time_ns = stamp_ns(decoded.header.stamp)
        try:
            world_from_cam = self._history.lookup(self._config.frame, decoded.header.frame_id, time_ns)
        except TransformUnavailableError as err:
            self.without_pose, self.problem = self.without_pose + 1, str(err)
            return
        if self._last is not None and not self._is_new(self._last, world_from_cam):
            return
        found = self.reader.read(message, decoded)
        if found is None:
            self.problem = self.reader.problem
            return
        rgb, camera = found
        name = image_name(self._topic, time_ns)
        write_image(self._folder / name, rgb)
        self.images.append(PosedImage(name, camera, inverse(world_from_cam)))
        self._last = world_from_cam

    def camera_note(self) -> str:
        """Return why images of this topic have no camera."""
        why = self.reader.camera_problems[self._topic]
        return f"{self._topic}: {self.reader.without_camera} images left out, the first because: {why}"

    def _is_new(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> bool:
        moved = inverse(before) @ now
        turned_deg = np.degrees(rotation_angle_rad(moved))
        distance_m = float(np.linalg.norm(moved[:3, 3]))
        return distance_m >= self._config.every_m or bool(turned_deg >= self._config.every_deg)
