# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Posed photographs out of a rosbag2: its cameras' images where the robot had moved on, with poses by TF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.bags.bag_transforms import bag_transforms
from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.bags.image_messages import decode_compressed_image, decode_image
from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.config import check_config, setting
from sfd2_ros.core.errors import BagError, CameraError, ImageError
from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.core.types import PosedImage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.bags.reader import BagReader
    from sfd2_ros.bags.transform_history import TransformHistory

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


@dataclass(frozen=True)
class BagSceneConfig:
    """Which images of a bag to take, and where their poses come from."""

    image_topics: tuple[str, ...] = setting((), "Topics to take; empty: every image topic that has a camera_info.")
    frame: str = setting("odom", "Frame on TF in which the robot's poses are; it becomes the frame of the map.")
    pose_topic: str = setting("", "Topic with poses of the robot in that frame, used in place of TF; empty: TF.")
    base_frame: str = setting("base_link", "Frame that the poses of pose_topic are of.")
    every_m: float = setting(0.5, "An image is taken when its camera has moved this far, metres.", minimum=0.0)
    every_deg: float = setting(10.0, "An image is taken when its camera has turned this far, degrees.", minimum=0.0)


@dataclass(frozen=True)
class BagSceneReport:
    """What became of a bag's images.

    Attributes:
        offered: images on the chosen topics.
        without_pose: images at whose stamp TF had no pose.
        unreadable: images that could not be decoded.
        images: taken.
    """

    offered: int
    without_pose: int
    unreadable: int
    images: tuple[PosedImage, ...]


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
        BagError: no such topics, no TF, or no image has a pose; says why.
        CameraError: a camera_info is missing, or does not fit its images.
    """
    check_config(config)
    infos = _info_topics(bag, config.image_topics)
    counts = {topic.name: topic.count for topic in bag.topics}
    total, done = sum(counts[name] for name in infos), 0
    history = bag_transforms(bag, config.pose_topic or None, config.base_frame)
    takers = {topic: _Taker(topic, _first(bag, info), folder, history, config) for topic, info in infos.items()}
    for message in bag.messages(infos):
        progress("read", done, total)
        takers[message.topic].offer(bag.decode(message), is_compressed=message.type_name == IMAGE_TYPES[1])
        done += 1
    progress("read", total, total)
    report = BagSceneReport(
        offered=done,
        without_pose=sum(one.without_pose for one in takers.values()),
        unreadable=sum(one.unreadable for one in takers.values()),
        images=tuple(image for one in takers.values() for image in one.images),
    )
    if not report.images:
        reason = next((one.problem for one in takers.values() if one.problem), "the topics are empty")
        raise BagError(
            f"none of {done} images can be mapped: {reason}; name the frame of the poses with --frame, or a topic with "
            "--pose-topic"
        )
    return report


def _info_topics(bag: BagReader, chosen: Sequence[str]) -> dict[str, str]:
    """Return the camera_info topic of each image topic."""
    types = {topic.name: topic.type_name for topic in bag.topics if topic.count > 0}
    images = chosen or [name for name, type_name in types.items() if type_name in IMAGE_TYPES]
    bag.require(images)
    infos = {name: _info_topic(name) for name in images}
    found = {name: info for name, info in infos.items() if types.get(info) == CAMERA_INFO}
    missing = [name for name in infos if name not in found]
    if chosen and missing:
        raise CameraError(f"image topic {missing[0]!r} has no {infos[missing[0]]!r} beside it; record it too")
    if not found:
        raise BagError(f"the bag has no image topic with a camera_info beside it; it has: {', '.join(sorted(types))}")
    return found


def _info_topic(image_topic: str) -> str:
    raw = image_topic.removesuffix("/compressed")
    return f"{raw.rpartition('/')[0]}/camera_info"


def _first(bag: BagReader, topic: str) -> Any:
    return bag.decode(next(bag.messages([topic])))


class _Taker:
    """Takes the images of one camera that show something new."""

    def __init__(self, topic: str, info: Any, folder: Path, history: TransformHistory, config: BagSceneConfig) -> None:
        self._folder, self._name = folder, topic.strip("/").replace("/", "_")
        self._is_rectified = "image_rect" in topic
        self._info, self._history, self._config = info, history, config
        self._last: NDArray[np.float64] | None = None
        self.images: list[PosedImage] = []
        self.without_pose = self.unreadable = 0
        self.problem = ""

    def offer(self, message: Any, *, is_compressed: bool) -> None:
        """Take an image if its camera has moved or turned far enough since the last one."""
        time_ns = stamp_ns(message.header.stamp)
        try:
            world_from_cam = self._history.lookup(self._config.frame, message.header.frame_id.lstrip("/"), time_ns)
        except TransformUnavailableError as err:
            self.without_pose, self.problem = self.without_pose + 1, str(err)
            return
        if self._last is not None and not self._is_new(self._last, world_from_cam):
            return
        try:
            rgb = decode_compressed_image(message) if is_compressed else decode_image(message)
        except ImageError as err:
            self.unreadable, self.problem = self.unreadable + 1, str(err)
            return
        camera = camera_from_message(self._info, rgb.shape[:2], rectified=self._is_rectified)
        name = f"{self._name}/{time_ns}.png"
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        if not cv2.imwrite(str(path), rgb[..., ::-1]):
            raise BagError(f"{str(path)!r} cannot be written; is the disk full?")
        self.images.append(PosedImage(name, camera, inverse(world_from_cam)))
        self._last = world_from_cam

    def _is_new(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> bool:
        moved = inverse(before) @ now
        turned_deg = np.degrees(rotation_angle_rad(moved))
        distance_m = float(np.linalg.norm(moved[:3, 3]))
        return distance_m >= self._config.every_m or bool(turned_deg >= self._config.every_deg)
