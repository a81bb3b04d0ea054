# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which camera_info serves which image of a bag, and which of several topics of one camera is mapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.bag_scene import BagSceneConfig, BagSceneReport, extract_bag_scene
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.bags.writer import BagWriter, open_bag
from sfd2_ros.core.errors import BagError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera
from sfd2_ros.features.images import read_image
from sfd2_ros.mapping.match_images import silent

RAW, INFO = "/camera/image_raw", "/camera/camera_info"
STEP_NS = 100_000_000
FIRST = Camera(64, 48, 60.0, 60.0, 31.5, 23.5)
ZOOMED = Camera(64, 48, 90.0, 90.0, 31.5, 23.5)
SMALL = Camera(32, 24, 30.0, 30.0, 15.5, 11.5)


def picture(camera: Camera, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (camera.height, camera.width, 3), np.uint8)


class Drive:
    """A bag of a robot that drives one metre between images; written image by image."""

    def __init__(self, bag: BagWriter) -> None:
        self._bag = bag
        bag.static_transforms(0, [("base_link", "optical", np.eye(4))])

    def pose(self, index: int, parent: str = "odom", child: str = "base_link") -> None:
        self._bag.transforms(index * STEP_NS, [(parent, child, rigid(np.eye(3), [float(index), 0, 0]))])

    def info(self, stamp_ns: int, camera: Camera, topic: str = INFO) -> None:
        self._bag.camera_info(topic, stamp_ns, "optical", camera)

    def no_calibration(self, stamp_ns: int) -> None:
        """Write what a driver without a calibration file publishes: a size, and zeros."""
        kind = "sensor_msgs/msg/CameraInfo"
        region = self._bag._message(
            "sensor_msgs/msg/RegionOfInterest",
            dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0) | {"do_rectify": False},
        )
        fields = {
            "header": self._bag._header(stamp_ns, "optical"),
            "height": 48,
            "width": 64,
            "distortion_model": "",
            "d": np.zeros(0),
            "k": np.zeros(9),
            "r": np.zeros(9),
            "p": np.zeros(12),
            "binning_x": 0,
            "binning_y": 0,
            "roi": region,
        }
        self._bag._write(INFO, kind, stamp_ns, fields)

    def image(self, index: int, camera: Camera = FIRST, topic: str = RAW, *, compressed: bool = False) -> None:
        pixels = picture(camera, index)
        if compressed:
            data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
            self._bag.compressed_image(topic, index * STEP_NS, "optical", data, "png")
        else:
            self._bag.image(topic, index * STEP_NS, "optical", pixels)


Extract = Callable[..., BagSceneReport]


@pytest.fixture
def extract(tmp_path: Path) -> Extract:
    """Return a call that writes a bag by a function of a `Drive` and takes its images."""

    def run(write: Callable[[Drive], None], **settings: Any) -> BagSceneReport:
        with open_bag(tmp_path / "bag") as bag:
            write(Drive(bag))
        (tmp_path / "out").mkdir()
        with BagReader(tmp_path / "bag") as reader:
            return extract_bag_scene(reader, tmp_path / "out", BagSceneConfig(**settings), silent)

    return run


def test_an_image_has_the_camera_info_of_its_own_stamp(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(6):
            drive.pose(index)
            drive.info(index * STEP_NS, FIRST if index < 3 else ZOOMED)
            drive.image(index)

    assert [image.camera for image in extract(write).images] == [FIRST] * 3 + [ZOOMED] * 3


def test_an_image_between_two_camera_infos_has_the_one_before_it(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(6):
            drive.pose(index)
            drive.image(index)
        drive.info(0, FIRST)
        drive.info(3 * STEP_NS - 1, ZOOMED)

    assert [image.camera for image in extract(write).images] == [FIRST] * 3 + [ZOOMED] * 3


def test_images_of_another_size_have_the_camera_info_of_that_size(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(6):
            camera = FIRST if index < 3 else SMALL
            drive.pose(index)
            drive.info(index * STEP_NS, camera)
            drive.image(index, camera)

    assert [image.camera for image in extract(write).images] == [FIRST] * 3 + [SMALL] * 3


def test_an_image_that_its_camera_info_does_not_fit_is_left_out_and_counted(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(6):
            drive.pose(index)
            drive.info(index * STEP_NS, FIRST if index < 4 else SMALL)
            drive.image(index, FIRST if index < 3 else SMALL)  # the driver changes its images one early

    report = extract(write)
    assert (len(report.images), report.without_camera) == (5, 1)
    assert any("image is 32x24, but camera_info stands for 64x48" in note for note in report.notes)


def test_images_are_left_out_until_the_camera_is_calibrated(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(6):
            drive.pose(index)
            if index < 2:
                drive.no_calibration(index * STEP_NS)
            else:
                drive.info(index * STEP_NS, FIRST)
            drive.image(index)

    report = extract(write)
    assert (report.offered, len(report.images), report.without_camera) == (6, 4, 2)
    assert any("2 images" in note and "not calibrated" in note for note in report.notes)


def test_a_camera_that_is_never_calibrated_is_an_error_that_says_so(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(3):
            drive.pose(index)
            drive.no_calibration(index * STEP_NS)
            drive.image(index)

    with pytest.raises(BagError, match=r"none of 3 images can be mapped: .*not calibrated"):
        extract(write)


def test_the_only_calibration_serves_images_before_it(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(4):
            drive.pose(index)
            drive.image(index)
        drive.info(2 * STEP_NS, FIRST)
        drive.info(3 * STEP_NS, FIRST)

    assert [image.camera for image in extract(write).images] == [FIRST] * 4


def test_images_before_the_first_of_several_calibrations_are_left_out(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(4):
            drive.pose(index)
            drive.image(index)
        drive.info(2 * STEP_NS, FIRST)
        drive.info(3 * STEP_NS, ZOOMED)

    report = extract(write)
    assert ([image.camera for image in report.images], report.without_camera) == ([FIRST, ZOOMED], 2)


@pytest.mark.parametrize(
    ("others", "taken"),
    [
        ([(f"{RAW}/compressed", True, 4)], RAW),
        ([(f"{RAW}/compressed", True, 5)], f"{RAW}/compressed"),
        ([("/camera/image_rect", False, 4), ("/camera/image_rect/compressed", True, 4)], RAW),
    ],
)
def test_one_topic_of_a_camera_is_mapped_and_named(
    extract: Extract, others: list[tuple[str, bool, int]], taken: str, tmp_path: Path
) -> None:
    def write(drive: Drive) -> None:
        for index in range(5):
            drive.pose(index)
            drive.info(index * STEP_NS, FIRST)
            if index < 4:
                drive.image(index)
            for topic, compressed, count in others:
                if index < count:
                    drive.image(index, topic=topic, compressed=compressed)

    report = extract(write)
    folder = taken.strip("/").replace("/", "_")
    assert {Path(image.name).parent.as_posix() for image in report.images} == {folder}
    assert len(report.images) == (5 if taken != RAW else 4)
    left = {RAW, *(topic for topic, _, _ in others)} - {taken}
    assert any(taken in note and all(topic in note for topic in left) for note in report.notes)
    np.testing.assert_array_equal(read_image(tmp_path / "out" / report.images[2].name), picture(FIRST, 2))


def test_two_named_topics_of_one_camera_are_rejected(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(2):
            drive.pose(index)
            drive.info(index * STEP_NS, FIRST)
            drive.image(index)
            drive.image(index, topic=f"{RAW}/compressed", compressed=True)

    with pytest.raises(BagError, match="'/camera/image_raw' and '/camera/image_raw/compressed' are of one camera"):
        extract(write, image_topics=(RAW, f"{RAW}/compressed"))


def test_two_cameras_are_both_mapped(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(3):
            drive.pose(index)
            for side in ("left", "right"):
                drive.info(index * STEP_NS, FIRST, f"/{side}/camera_info")
                drive.image(index, topic=f"/{side}/image_raw")

    report = extract(write)
    assert (len(report.images), report.notes) == (6, ())


@pytest.mark.parametrize("topic", ["camera/image_raw", "/camera/image_raw", "//camera/image_raw/"])
def test_slashes_around_the_name_of_a_topic_mean_nothing(extract: Extract, topic: str) -> None:
    def write(drive: Drive) -> None:
        for index in range(2):
            drive.pose(index)
            drive.info(index * STEP_NS, FIRST)
            drive.image(index)

    assert len(extract(write, image_topics=(topic,)).images) == 2


def test_slashes_before_the_names_of_frames_mean_nothing(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(3):
            drive.pose(index, "/odom", "/base_link")
            drive._bag.pose("/gnss", index * STEP_NS, "/earth", rigid(np.eye(3), [float(index), 5, 0]))
            drive.info(index * STEP_NS, FIRST)
            drive.image(index)

    assert len(extract(write, frame="/odom").images) == 3


def test_slashes_before_the_frames_of_a_pose_topic_mean_nothing(extract: Extract) -> None:
    def write(drive: Drive) -> None:
        for index in range(3):
            drive.pose(index, "/odom", "/base_link")
            drive._bag.pose("/gnss", index * STEP_NS, "/earth", rigid(np.eye(3), [float(index), 5, 0]))
            drive.info(index * STEP_NS, FIRST)
            drive.image(index)

    report = extract(write, frame="earth", pose_topic="gnss", base_frame="/base_link")
    assert [image.cam_from_world[1, 3] for image in report.images] == [-5.0] * 3
