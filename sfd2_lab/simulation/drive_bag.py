# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a drive as a rosbag2: cameras, transforms, drifting odometry, ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from sfd2_lab.simulation.odometry import between, drifting, twists
from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from sfd2_ros.bags.writer import BagWriter

ODOMETRY_PER_FRAME = 5
CAMERA = "camera"
"""The default of the nodes' parameter `cameras`, so that a bag of one camera is localized without any argument."""

MAP, ODOM, BASE = "map", "odom", "base_link"


def write_drive_bag(
    world: World,
    config: DriveConfig,
    path: Path,
    *,
    storage: str = "sqlite3",
    is_compressed: bool = False,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Render a drive into a bag and return the number of images.

    Topics: /camera/image_raw (or image_raw/compressed) and /camera/camera_info, the defaults of the nodes; for a rig of
    several cameras /camera/NAME/image_raw and so on; in frame NAME_optical. /tf odom to base_link with drift;
    /tf_static base_link to NAME_optical; /odom; /ground_truth, the pose of base_link in map.

    Args:
        world: that the drive belongs to.
        config: the drive.
        path: the bag's folder.
        storage: "sqlite3" or "mcap".
        is_compressed: write JPEG instead of raw images.
        overwrite: replace an existing bag.
        on_frame: called with every frame when it is written.

    Raises:
        ConfigError: a setting of the drive is not allowed.
        OutputError: the bag exists, or cannot be written.
    """
    if config.frames < 1:
        raise ConfigError(f"a bag of {config.frames} frames holds nothing; allowed: 1 and more")
    count = 0
    with open_bag(path, storage=storage, overwrite=overwrite) as bag:
        motion = _Motion(bag, world, config)
        is_rig = len(world.rig(config)) > 1
        for frame in world.drive(config):
            motion.write_until(frame.stamp_ns)
            topic = f"/{CAMERA}/{frame.camera.name}" if is_rig else f"/{CAMERA}"
            _write_frame(bag, frame, topic, is_compressed=is_compressed)
            on_frame(frame)
            count += 1
    return count


class _Motion:
    """Writes what is known of the motion, in step with the images."""

    def __init__(self, bag: BagWriter, world: World, config: DriveConfig) -> None:
        self._bag = bag
        self._truth, self._stamps = between(*world.poses(config), ODOMETRY_PER_FRAME)
        self._estimates = drifting(self._truth, config.seed * 1000 + config.session)
        self._twists = twists(self._estimates, self._stamps)
        self._next = 0
        mounts = [(BASE, f"{camera.name}_optical", camera.base_from_cam) for camera in world.rig(config)]
        bag.static_transforms(self._stamps[0], mounts)

    def write_until(self, stamp_ns: int) -> None:
        """Write all poses up to a time and at it."""
        while self._next < len(self._stamps) and self._stamps[self._next] <= stamp_ns:
            estimate, at = self._estimates[self._next], self._stamps[self._next]
            self._bag.transforms(at, [(ODOM, BASE, estimate)])
            self._bag.odometry("/odom", at, (ODOM, BASE), estimate, self._twists[self._next])
            self._bag.pose("/ground_truth", at, MAP, self._truth[self._next])
            self._next += 1


def _write_frame(bag: BagWriter, frame: Frame, topic: str, *, is_compressed: bool) -> None:
    optical = f"{frame.camera.name}_optical"
    bag.camera_info(f"{topic}/camera_info", frame.stamp_ns, optical, frame.camera.camera)
    if is_compressed:
        encoded = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        bag.compressed_image(f"{topic}/image_raw/compressed", frame.stamp_ns, optical, encoded, "jpeg")
    else:
        bag.image(f"{topic}/image_raw", frame.stamp_ns, optical, frame.image)
