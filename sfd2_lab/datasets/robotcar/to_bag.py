# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Converts a RobotCar sequence to a rosbag2, in parts, so that an interrupted conversion goes on where it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_lab.datasets.robotcar.pictures import read_undistorted
from sfd2_lab.datasets.robotcar.plan import LONGEST_TRUTH_GAP_NS, Stretch, plan_images
from sfd2_lab.simulation.odometry import twists
from sfd2_ros.bags.join import join_bags
from sfd2_ros.bags.writer import BAG_MARKER, open_bag
from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file, refuse_existing_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.datasets.robotcar.plan import PlannedImage
    from sfd2_lab.datasets.robotcar.sequence import RobotCarSequence
    from sfd2_ros.bags.writer import BagWriter

MAP, ODOM, BASE = "map", "odom", "base_link"
IMAGES_PER_PART = 500
_JPEG_QUALITY = 95
_END_OF_TIME_NS = 1 << 62


@dataclass(frozen=True)
class BagSettings:
    """How a sequence is converted.

    Attributes:
        storage: "sqlite3" or "mcap".
        is_compressed: write JPEG instead of raw images.
        stretch: what part of the sequence.
        images_per_part: images that an interruption can cost at most.
    """

    storage: str = "mcap"
    is_compressed: bool = False
    stretch: Stretch = field(default_factory=Stretch)
    images_per_part: int = IMAGES_PER_PART


def convert_to_bag(
    sequence: RobotCarSequence,
    path: Path,
    settings: BagSettings,
    *,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None,
) -> dict[str, Any]:
    """Write a sequence as a rosbag2.

    Topics: /camera/NAME/image_raw (or image_raw/compressed) and /camera/NAME/camera_info in frame NAME_optical,
    undistorted; /tf_static from base_link to NAME_optical; where there is odometry /tf from odom to base_link and
    /odom; where there is truth /ground_truth, the pose of base_link in map at the time of every image.

    Args:
        sequence: checked.
        path: folder of the bag. Beside it, PATH.parts holds what is done already.
        settings: how.
        overwrite: replace an existing bag.
        progress: called with step, done and total.

    Returns:
        The figures of the conversion.

    Raises:
        ConfigError: no images are in the stretch.
        OutputError: the bag exists, or its parts are of other settings.
        DatasetError: an image has another size than its camera.
        ImageError: an image cannot be decoded.
    """
    refuse_existing_folder(path, overwrite=overwrite, marker=BAG_MARKER)
    planned = plan_images(sequence, settings.stretch)
    work = path.with_name(f"{path.name}.parts")
    _claim(work, sequence, settings)
    chunks = [planned[k : k + settings.images_per_part] for k in range(0, len(planned), settings.images_per_part)]
    writer, done, resumed = _PartWriter(sequence, settings), 0, 0
    for number, chunk in enumerate(chunks):
        part = work / f"{number:05d}"
        until_ns = chunks[number + 1][0].stamp_ns if number + 1 < len(chunks) else _END_OF_TIME_NS
        if (part / BAG_MARKER).is_file():
            done, resumed = done + len(chunk), resumed + len(chunk)
        else:
            with open_bag(part, storage=settings.storage) as bag:
                for _ in writer.write(bag, chunk, until_ns, is_first=number == 0):
                    done += 1
                    progress("convert", done, len(planned))
        progress("convert", done, len(planned))
    join_bags([work / f"{number:05d}" for number in range(len(chunks))], path, overwrite=overwrite)
    shutil.rmtree(work)
    return _figures(sequence, planned, resumed)


def _claim(work: Path, sequence: RobotCarSequence, settings: BagSettings) -> None:
    """Take the folder of parts; one of other settings is not mixed with."""
    wanted = json.dumps(
        {
            **asdict(settings),
            "sequence": sequence.path.name,
            "cameras": {name: len(camera.stamps_us) for name, camera in sequence.cameras.items()},
            "odometry": None if sequence.odometry is None else len(sequence.odometry.stamps_ns),
            "truth": None if sequence.truth is None else len(sequence.truth.stamps_ns),
        }
    )
    claim = work / "settings.json"
    if claim.is_file() and claim.read_text(encoding="utf-8") == wanted:
        return
    if work.exists():
        raise OutputError(
            f"{str(work)!r} holds parts of an interrupted conversion with other settings; use those again to go on, or "
            "remove the folder"
        )
    with atomic_file(claim) as temporary:
        temporary.write_text(wanted, encoding="utf-8")


class _PartWriter:
    """Writes stretches of a sequence: images, and what is known of the motion in between."""

    def __init__(self, sequence: RobotCarSequence, settings: BagSettings) -> None:
        self._sequence, self._settings = sequence, settings
        odometry = sequence.odometry
        poses = [] if odometry is None else list(odometry.poses)
        self._twists = twists(poses, [] if odometry is None else odometry.stamps_ns.tolist())

    def write(self, bag: BagWriter, images: Sequence[PlannedImage], until_ns: int, *, is_first: bool) -> Any:
        """Write images and the odometry up to a time; yield after each image."""
        start_ns = images[0].stamp_ns
        if is_first:
            cameras = self._sequence.cameras
            mounts = [(BASE, f"{name}_optical", one.calibration.base_from_cam) for name, one in cameras.items()]
            bag.static_transforms(start_ns, mounts)
        for number, image in enumerate(images):
            next_ns = images[number + 1].stamp_ns if number + 1 < len(images) else until_ns
            self._write_image(bag, image)
            if next_ns > image.stamp_ns:
                self._write_truth(bag, image.stamp_ns)
            self._write_odometry(bag, image.stamp_ns, next_ns, is_first=is_first and number == 0)
            yield image

    def _write_image(self, bag: BagWriter, image: PlannedImage) -> None:
        camera = self._sequence.cameras[image.camera]
        path = self._sequence.image_path(image.camera, image.stamp_us)
        picture = read_undistorted(path, camera.files.bayer, camera.calibration)
        topic, optical = f"/camera/{image.camera}", f"{image.camera}_optical"
        bag.camera_info(f"{topic}/camera_info", image.stamp_ns, optical, camera.calibration.camera)
        if self._settings.is_compressed:
            encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
            bag.compressed_image(f"{topic}/image_raw/compressed", image.stamp_ns, optical, encoded, "jpeg")
        else:
            bag.image(f"{topic}/image_raw", image.stamp_ns, optical, picture)

    def _write_truth(self, bag: BagWriter, stamp_ns: int) -> None:
        truth = self._sequence.truth
        pose = None if truth is None else truth.at(stamp_ns, LONGEST_TRUTH_GAP_NS)
        if pose is not None:
            bag.pose("/ground_truth", stamp_ns, MAP, pose)

    def _write_odometry(self, bag: BagWriter, start_ns: int, end_ns: int, *, is_first: bool) -> None:
        """Write the samples from one time up to another, that one excluded; the last image's up to a second later.

        Before the first image goes the sample before it, so that its pose can be interpolated.
        """
        odometry = self._sequence.odometry
        if odometry is None:
            return
        last = min(end_ns, start_ns + 1_000_000_000)
        first, beyond = np.searchsorted(odometry.stamps_ns, [start_ns, last])
        starts_between = first < len(odometry.stamps_ns) and odometry.stamps_ns[first] > start_ns
        begin = max(int(first) - 1, 0) if is_first and starts_between else int(first)
        for index in range(begin, int(beyond)):
            stamp_ns, pose = int(odometry.stamps_ns[index]), odometry.poses[index]
            bag.transforms(stamp_ns, [(ODOM, BASE, pose)])
            bag.odometry("/odom", stamp_ns, (ODOM, BASE), pose, self._twists[index])


def _figures(sequence: RobotCarSequence, planned: Sequence[PlannedImage], resumed: int) -> dict[str, Any]:
    truth = sequence.truth
    stamps = sorted({image.stamp_ns for image in planned})
    told = 0 if truth is None else sum(truth.at(stamp, LONGEST_TRUTH_GAP_NS) is not None for stamp in stamps)
    return {
        "images": len(planned),
        "cameras": list(sequence.cameras),
        "images_per_camera": {name: sum(one.camera == name for one in planned) for name in sequence.cameras},
        "duration_s": (planned[-1].stamp_ns - planned[0].stamp_ns) / 1e9,
        "times_with_truth": told,
        "times_without_truth": len(stamps) - told,
        "odometry_gaps": 0 if sequence.odometry is None else sequence.odometry.gaps,
        "chunks_not_downloaded": {name: one.chunks_left_out for name, one in sequence.cameras.items()},
        "images_resumed": resumed,
    }
