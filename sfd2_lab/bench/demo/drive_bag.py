# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drive that the demo replays: a rosbag2 with one camera, odometry and the ground truth, simulated or from a scene.

Topics: /camera/image_raw and camera_info in frame front_optical, /tf (odom to base_link), /tf_static
(base_link to front_optical), /ground_truth (base_link in map).
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.players.drive_player import FrameNames, OdometrySample
from sfd2_lab.simulation.odometry import between, drifting
from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.bags.image_messages import decode_image
from sfd2_ros.bags.read_poses import matrix_from_pose, matrix_from_transform, stamp_ns
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.bags.transform_history import interpolate
from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.errors import BagError
from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.features.images import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, PosedImage

NAMES = FrameNames(camera_frame="front_optical", camera="camera")
IMAGE, INFO = f"/{NAMES.camera}/image_raw", f"/{NAMES.camera}/camera_info"
FIRST_STAMP_NS = 1_600_000_000_000_000_000
PERIOD_NS = 200_000_000
ODOMETRY_PER_FRAME = 4
# A camera on the roof looking ahead: base_link has x ahead, y left, z up; the optical frame z ahead, x right, y down.
ROOF_MOUNT = rigid([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], [1.0, 0.0, 1.5])


@dataclass(frozen=True, eq=False)
class DriveFrame:
    """One frame of a drive.

    Attributes:
        time_ns: stamp of the image in the bag.
        image: (H, W, 3) uint8 RGB.
        camera: its intrinsics.
        odometry: the samples before and after it.
        map_from_base: (4, 4) the ground truth.
    """

    time_ns: int
    image: NDArray[np.uint8]
    camera: Camera
    odometry: tuple[OdometrySample, OdometrySample]
    map_from_base: NDArray[np.float64]

    @property
    def odom_from_base(self) -> NDArray[np.float64]:
        """Odometry at the time of the image: odom_from_base (4, 4)."""
        before, after = self.odometry
        share = (self.time_ns - before.time_ns) / max(after.time_ns - before.time_ns, 1)
        return interpolate(before.odom_from_base, after.odom_from_base, share)


def write_bag_of_images(
    images: Sequence[PosedImage], image_folder: Path, bag_path: Path, *, seed: int, on_frame: Callable[[], None]
) -> None:
    """Write images with known poses as a drive, with odometry that drifts from the ground truth as a wheel's does.

    Args:
        images: in the order of the drive; one image has no way to drift along, so two are needed.
        image_folder: what their names are relative to.
        bag_path: folder of the bag to make.
        seed: of the drift.
        on_frame: called after each image.

    Raises:
        BagError: fewer than two images.
        OutputError: the bag exists, or cannot be written.
        ImageError: an image cannot be read.
    """
    if len(images) < 2:
        raise BagError(f"a drive needs at least two images, got {len(images)}; name more of them in query.txt")
    stamps = [FIRST_STAMP_NS + number * PERIOD_NS for number in range(len(images))]
    truth = [inverse(image.cam_from_world) @ inverse(ROOF_MOUNT) for image in images]
    fine_truth, fine_stamps = between(truth, stamps, ODOMETRY_PER_FRAME)
    odometry = drifting(fine_truth, seed)
    with open_bag(bag_path) as bag:
        bag.static_transforms(stamps[0], [(NAMES.base, NAMES.camera_frame, ROOF_MOUNT)])
        for time_ns, odom_from_base in zip(fine_stamps, odometry, strict=True):
            bag.transforms(time_ns, [(NAMES.odom, NAMES.base, odom_from_base)])
        for time_ns, image, map_from_base in zip(stamps, images, truth, strict=True):
            bag.camera_info(INFO, time_ns, NAMES.camera_frame, image.camera)
            bag.image(IMAGE, time_ns, NAMES.camera_frame, read_image(image_folder / image.name))
            bag.pose("/ground_truth", time_ns, NAMES.map, map_from_base)
            on_frame()


class DriveBag:
    """A drive in a bag.

    Args:
        path: the bag's folder.

    Raises:
        BagError: it is damaged or lacks a topic.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._odometry: list[OdometrySample] = []
        self._truth: dict[int, NDArray[np.float64]] = {}
        with BagReader(path) as reader:
            self._topics = {"/tf", "/tf_static", "/ground_truth", INFO, IMAGE}
            reader.require(sorted(self._topics))
            self.num_frames = sum(topic.count for topic in reader.topics if topic.name == IMAGE)
            for message in reader.messages(self._topics - {IMAGE}):
                self._take(message.topic, reader.decode(message))
        self._odometry.sort(key=lambda sample: sample.time_ns)

    def frames(self) -> Iterator[DriveFrame]:
        """Yield the frames in the order of their recording."""
        with BagReader(self._path) as reader:
            for message in reader.messages([IMAGE]):
                image = reader.decode(message)
                time_ns, pixels = stamp_ns(image.header.stamp), decode_image(image)
                camera = camera_from_message(self._info, pixels.shape[:2])
                yield DriveFrame(time_ns, pixels, camera, self._odometry_around(time_ns), self._truth[time_ns])

    def frame(self, number: int) -> DriveFrame:
        """Return one frame by its place in the drive."""
        return next(itertools.islice(self.frames(), number, None))

    def _take(self, topic: str, message: Any) -> None:
        if topic == INFO:
            self._info = message
        elif topic == "/tf_static":
            self.base_from_cam = matrix_from_transform(message.transforms[0].transform)
        elif topic == "/ground_truth":
            self._truth[stamp_ns(message.header.stamp)] = matrix_from_pose(message.pose)
        else:
            for edge in message.transforms:
                sample = OdometrySample(stamp_ns(edge.header.stamp), matrix_from_transform(edge.transform))
                self._odometry.append(sample)

    def _odometry_around(self, time_ns: int) -> tuple[OdometrySample, OdometrySample]:
        """Return the samples before and after a time, never the one at it, for no robot's odometry waits for images.

        At an end of the drive there is no sample beyond, so the one at that time stands in for it.
        """
        stamps = [sample.time_ns for sample in self._odometry]
        before = max(bisect.bisect_left(stamps, time_ns) - 1, 0)
        after = min(bisect.bisect_right(stamps, time_ns), len(stamps) - 1)
        return self._odometry[before], self._odometry[after]
