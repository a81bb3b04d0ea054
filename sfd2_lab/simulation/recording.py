# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A vehicle's recording as a rosbag2: images with true poses in, sensors with their errors beside them out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2

from sfd2_lab.simulation.odometry import between, twists
from sfd2_lab.simulation.sensors import (
    BASE_FROM_ANTENNA,
    KEPT_SHARE,
    SensorConfig,
    accelerations,
    check_sensors,
    gnss_fixes,
    is_camera_on,
    odometry,
)
from sfd2_ros.bags.reader import DATA_SUFFIXES
from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.evaluation.trajectory_file import tum_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.rigs import RigCamera
    from sfd2_ros.bags.writer import BagWriter

ODOMETRY_PER_FRAME = 5
"""Poses of odometry for each instant with images: odometry is usually that much faster than mapping needs images."""
CAMERA = "camera"
"""The default of the nodes' parameter `cameras`, so that a bag of one camera is localized without any argument."""
MAP, ODOM, BASE, ANTENNA = "map", "odom", "base_link", "gps_link"
GROUND_TRUTH = "ground_truth.tum"
"""File in the folder of the bag with the true pose of `BASE` in `MAP` at each instant with images."""
_JPEG_QUALITY = 95
"""Little is lost, as with the drivers of industrial cameras."""


class RecordedImage(Protocol):
    """An image of a recording, such as `drive.Frame`."""

    @property
    def stamp_ns(self) -> int:
        """Time of the image."""

    @property
    def camera(self) -> RigCamera:
        """Which camera took it."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """The (h, w, 3) RGB image."""


@dataclass(frozen=True, eq=False)
class Recording:
    """How a vehicle moved.

    Attributes:
        poses: (4, 4) map_from_base at each instant with images, metres.
        stamps_ns: of these.
        rig: its cameras.
        seed: of the errors of its sensors.
    """

    poses: Sequence[NDArray[np.float64]]
    stamps_ns: Sequence[int]
    rig: tuple[RigCamera, ...]
    seed: int


def write_recording(
    recording: Recording,
    images: Iterable[RecordedImage],
    path: Path,
    *,
    sensors: SensorConfig | None = None,
    storage: str = "sqlite3",
    is_compressed: bool = False,
    overwrite: bool = False,
) -> int:
    """Write a bag and return the number of its images.

    Topics: /camera/image_raw (or image_raw/compressed) and /camera/camera_info, the defaults of the nodes; for a rig of
    several cameras /camera/NAME/image_raw and so on; in frame NAME_optical. /tf odom to base_link with drift;
    /tf_static base_link to NAME_optical; /odom; /ground_truth, the pose of base_link in map. With a GNSS receiver
    /gps/fix, with an IMU /imu/data. The file ground_truth.tum holds the true poses of base_link.

    Args:
        recording: the motion.
        images: in the order of time.
        path: the bag's folder.
        sensors: drift, GNSS, IMU and faults; None for odometry with a drawn drift alone.
        storage: "sqlite3" or "mcap".
        is_compressed: write JPEG instead of raw images.
        overwrite: replace an existing bag.

    Raises:
        ConfigError: there is no instant, or a setting of the sensors is not allowed.
        OutputError: the bag exists, or cannot be written.
    """
    if not recording.poses:
        raise ConfigError("a bag of 0 frames holds nothing; allowed: 1 and more")
    chosen = sensors or SensorConfig()
    check_sensors(chosen)
    count = 0
    with open_bag(path, storage=storage, overwrite=overwrite) as bag:
        motion = _Motion(bag, recording, chosen)
        is_rig = len(recording.rig) > 1
        has_info = "no_camera_info" not in chosen.faults
        for image in images:
            motion.write_until(image.stamp_ns)
            topic = f"/{CAMERA}/{image.camera.name}" if is_rig else f"/{CAMERA}"
            if is_camera_on(image.stamp_ns, recording.stamps_ns, chosen):
                _write_image(bag, image, topic, is_compressed=is_compressed, has_info=has_info)
                count += 1
        motion.write_until(recording.stamps_ns[-1])
    if "truncated" in chosen.faults:
        _cut_short(path)
    return count


class _Motion:
    """Writes what is known of the motion, in step with the images."""

    def __init__(self, bag: BagWriter, recording: Recording, sensors: SensorConfig) -> None:
        self._bag, self._sensors = bag, sensors
        poses, stamps = recording.poses, recording.stamps_ns
        bag.attach(GROUND_TRUTH, tum_text(dict(zip(stamps, poses, strict=True))))
        self._truth, self.stamps_ns = between(poses, stamps, ODOMETRY_PER_FRAME)
        seed = recording.seed
        self._estimates = odometry(self._truth, sensors, seed)
        self._twists = twists(self._estimates, self.stamps_ns)
        self._fixes = {fix.stamp_ns: fix for fix in gnss_fixes(self._truth, self.stamps_ns, sensors, seed)}
        self._accelerations = accelerations(self._truth, seed)
        self._turns = [twist[3:] for twist in twists(self._truth, self.stamps_ns)]
        self._next = 0
        self._has_tf = "no_tf" not in sensors.faults
        if self._has_tf:
            mounts = [(BASE, f"{camera.name}_optical", camera.base_from_cam) for camera in recording.rig]
            mounts += [(BASE, ANTENNA, BASE_FROM_ANTENNA)] if self._fixes else []
            bag.static_transforms(self.stamps_ns[0], mounts)

    def write_until(self, stamp_ns: int) -> None:
        """Write all poses up to a time and at it."""
        while self._next < len(self.stamps_ns) and self.stamps_ns[self._next] <= stamp_ns:
            self._write_at(self._next)
            self._next += 1

    def _write_at(self, index: int) -> None:
        bag, at, estimate = self._bag, self.stamps_ns[index], self._estimates[index]
        if self._has_tf:
            bag.transforms(at, [(ODOM, BASE, estimate)])
        bag.odometry("/odom", at, (ODOM, BASE), estimate, self._twists[index])
        bag.pose("/ground_truth", at, MAP, self._truth[index])
        if self._sensors.has_imu:
            bag.imu("/imu/data", at, BASE, self._accelerations[index], self._turns[index])
        if at in self._fixes:
            fix = self._fixes[at]
            bag.nav_sat_fix("/gps/fix", at, ANTENNA, fix.geodetic, fix.stddev_m)


def _cut_short(path: Path) -> None:
    """Remove the end of the data file of a bag, as a full disk or a loss of power does."""
    for file in path.iterdir():
        if file.suffix in DATA_SUFFIXES:
            os.truncate(file, int(file.stat().st_size * KEPT_SHARE))


def _write_image(bag: BagWriter, image: RecordedImage, topic: str, *, is_compressed: bool, has_info: bool) -> None:
    optical = f"{image.camera.name}_optical"
    if has_info:
        bag.camera_info(f"{topic}/camera_info", image.stamp_ns, optical, image.camera.camera)
    if is_compressed:
        encoded = cv2.imencode(".jpg", image.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
        bag.compressed_image(f"{topic}/image_raw/compressed", image.stamp_ns, optical, encoded, "jpeg")
    else:
        bag.image(f"{topic}/image_raw", image.stamp_ns, optical, image.image)
