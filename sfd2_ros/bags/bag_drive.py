# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive out of a rosbag2: keyframes of all its cameras by motion and sharpness, odometry, GNSS fixes.

The bag is read twice: for stamps, which decide where keyframes may be, then for the images there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.bags.bag_transforms import bag_transforms
from sfd2_ros.bags.camera_images import CameraImages, image_name, read_calibrations, write_image
from sfd2_ros.bags.image_topics import choose_image_topics
from sfd2_ros.bags.keyframe_choice import Instant, group_by_stamp, offered_instants
from sfd2_ros.bags.mounts import mounted_cameras
from sfd2_ros.bags.odometry_path import OdometryPath
from sfd2_ros.bags.position_fixes import read_position_fixes
from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.core.config import check_config
from sfd2_ros.core.drive import Drive, Keyframe, MountedCamera
from sfd2_ros.core.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.bags.bag_scene import BagSceneConfig
    from sfd2_ros.bags.reader import BagMessage, BagReader
    from sfd2_ros.core.types import Camera

    Progress = Callable[[str, int, int], None]

_MIN_KEYFRAMES = 2
"""Landmarks are triangulated from two places."""


@dataclass(frozen=True)
class BagDrive:
    """What became of a bag.

    Attributes:
        drive: cameras, keyframes, fixes; the images lie in the folder.
        offered: images on the chosen topics.
        without_pose: images at whose stamp TF had no pose.
        without_camera: images for which the camera was not calibrated, or whose camera_info does not fit them.
        unreadable: images that could not be decoded.
        notes: sentences for the user.
    """

    drive: Drive
    offered: int
    without_pose: int
    without_camera: int
    unreadable: int
    notes: tuple[str, ...]

    @property
    def images(self) -> int:
        """Number of images that were taken."""
        return len(self.drive.images)


def extract_bag_drive(bag: BagReader, folder: Path, config: BagSceneConfig, progress: Progress) -> BagDrive:
    """Write the images of a bag's keyframes into a folder, and read what moves the robot between them.

    A keyframe is the sharpest of the moments at about `every_m` or `every_deg` from the one before; all cameras that
    took an image at that moment belong to it.

    Args:
        bag: open.
        folder: an existing folder; images become <topic>/<stamp in nanoseconds>.png below it.
        config: which images.
        progress: called with step, done, total.

    Raises:
        ConfigError: a setting is not allowed.
        BagError: no such topics, two topics of one camera, no TF, cameras that move on the robot, or no two keyframes.
        CameraError: a chosen topic has no camera_info.
    """
    check_config(config)
    infos, notes = choose_image_topics(bag, config.image_topics)
    topics = list(infos)
    history = bag_transforms(bag, config.pose_topic or None, config.base_frame)
    stamps, frames = _stamps(bag, topics, progress)
    mounts = mounted_cameras(history, [frames[topic] for topic in topics if topic in frames], config.frame)
    path = OdometryPath(history, config.frame, mounts.base)
    instants, without_pose = path.posed(group_by_stamp(stamps))
    offers = offered_instants(instants, every_m=config.every_m, every_rad=float(np.radians(config.every_deg)))
    reader = CameraImages(read_calibrations(bag, infos))
    taken = _Taken(folder, offers, reader)
    wanted = taken.wanted()
    total = sum(map(len, stamps.values()))
    for done, message in enumerate(bag.messages(topics)):
        progress("read images", done, total)
        decoded = bag.decode(message)
        if (message.topic, stamp_ns(decoded.header.stamp)) in wanted:
            taken.offer(message, decoded)
    progress("read images", total, total)
    keyframes, cameras = taken.keyframes(path, {topic: mounts.base_from[frames[topic]] for topic in frames})
    if len(keyframes) < _MIN_KEYFRAMES:
        reason = reader.problem or path.problem or "the robot does not move"
        raise BagError(
            f"{len(keyframes)} of {total} images can be keyframes, two are needed: {reason}; the frame of the poses is "
            "named with --frame, a topic of poses with --pose-topic"
        )
    problems = reader.camera_problems.items()
    return BagDrive(
        drive=Drive(cameras, keyframes, read_position_fixes(bag, config.gnss_topic, history, path)),
        offered=total,
        without_pose=without_pose,
        without_camera=reader.without_camera,
        unreadable=reader.unreadable,
        notes=(*notes, *(f"{topic}: images left out, the first because: {why}" for topic, why in problems)),
    )


def _stamps(bag: BagReader, topics: list[str], progress: Progress) -> tuple[dict[str, list[int]], dict[str, str]]:
    """Return the stamps of the images of each topic, sorted, and the frame of the first image."""
    total = sum(topic.count for topic in bag.topics if topic.name in topics)
    stamps: dict[str, list[int]] = {topic: [] for topic in topics}
    frames: dict[str, str] = {}
    for done, message in enumerate(bag.messages(topics)):
        progress("read stamps", done, total)
        header = bag.decode(message).header
        stamps[message.topic].append(stamp_ns(header.stamp))
        frames.setdefault(message.topic, header.frame_id)
    progress("read stamps", total, total)
    return {topic: sorted(set(times)) for topic, times in stamps.items()}, frames


class _Taken:
    """Keeps, of the instants that may become one keyframe, the images of the sharpest."""

    def __init__(self, folder: Path, offers: list[list[Instant]], reader: CameraImages) -> None:
        self._folder, self._offers, self._reader = folder, offers, reader
        self._sharpness: dict[tuple[str, int], float] = {}
        self._cameras: dict[tuple[str, int], Camera] = {}

    def wanted(self) -> set[tuple[str, int]]:
        """Return topic and stamp of every image that may be taken."""
        return {image for offer in self._offers for instant in offer for image in instant.images}

    def offer(self, message: BagMessage, decoded: Any) -> None:
        """Take note of an image."""
        found = self._reader.read(message, decoded)
        if found is None:
            return
        rgb, camera = found
        image = (message.topic, stamp_ns(decoded.header.stamp))
        self._cameras[image] = camera
        self._sharpness[image] = sharpness_of(rgb)
        write_image(self._folder / image_name(*image), rgb)

    def keyframes(
        self, path: OdometryPath, base_from_cam: Mapping[str, NDArray[np.float64]]
    ) -> tuple[tuple[Keyframe, ...], tuple[MountedCamera, ...]]:
        """Return the keyframes and the cameras, with base_from_cam (4, 4); images that were not chosen are removed."""
        cameras: dict[tuple[str, Camera], int] = {}
        chosen = []
        for offer in self._offers:
            best = max(offer, key=self._sharp)
            images = [image for image in best.images if image in self._cameras]
            for other in offer:
                for image in other.images if other is not best else ():
                    (self._folder / image_name(*image)).unlink(missing_ok=True)
            if images:
                listed = tuple(
                    (cameras.setdefault((image[0], self._cameras[image]), len(cameras)), image_name(*image))
                    for image in images
                )
                chosen.append((best, listed))
        keyframes = tuple(
            Keyframe(best.stamp_ns, best.odom_from_base, listed, *path.way(best.stamp_ns)) for best, listed in chosen
        )
        mounted = tuple(MountedCamera(topic, camera, base_from_cam[topic]) for topic, camera in cameras)
        return keyframes, mounted

    def _sharp(self, instant: Instant) -> float:
        return min((self._sharpness.get(image, 0.0) for image in instant.images), default=0.0)


def sharpness_of(rgb: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of an image (h, w, 3), grey and at half size: motion blur lowers it."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return float(np.var(cv2.Laplacian(small, cv2.CV_32F)))
