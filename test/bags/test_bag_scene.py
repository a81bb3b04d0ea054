# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag with their poses, to map from: which are taken, where their poses come from, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.bag_scene import BagSceneConfig, BagSceneReport, extract_bag_scene
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.errors import BagError, CameraError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.features.images import read_image
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage

MOUNT = rigid(rotation_from_vector([-1.2, 1.2, -1.2]), [0.3, 0.1, 1.4])
STEP_NS = 200_000_000
TOPIC, INFO = "/camera/image_raw", "/camera/camera_info"


@pytest.fixture(scope="module")
def drive(paint_scene: Callable[..., list[PosedImage]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the folder of a painted scene and its images, about 0.32 m apart."""
    folder = tmp_path_factory.mktemp("painted")
    return folder, paint_scene(folder)


Write = Callable[..., Path]


@pytest.fixture
def write(drive: Any, tmp_path: Path) -> Write:
    """Return a call that writes the drive as a bag."""
    folder, images = drive

    def write_bag(*, with_tf: bool = True, with_info: bool = True, compressed: bool = False, **more: Any) -> Path:
        with open_bag(tmp_path / "bag") as bag:
            if with_tf:
                bag.static_transforms(0, [("base_link", "optical", MOUNT)])
            for index, image in enumerate(images):
                stamp, picture = index * STEP_NS, read_image(folder / "images" / image.name)
                if with_tf and index not in more.get("gaps", ()):
                    # Half a step before and after, so that the pose of the image must be interpolated.
                    base = _base(image)
                    ahead = rigid(np.eye(3), [0.1, 0, 0])
                    bag.transforms(stamp - STEP_NS // 4, [("odom", "base_link", base @ inverse(ahead))])
                    bag.transforms(stamp + STEP_NS // 4, [("odom", "base_link", base @ ahead)])
                bag.pose("/truth", stamp, "earth", _base(image) @ more.get("shift", np.eye(4)))
                if with_info:
                    bag.camera_info(INFO, stamp, "optical", image.camera)
                if compressed:
                    data = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
                    data = data[:100] if index in more.get("cut", ()) else data
                    bag.compressed_image(f"{TOPIC}/compressed", stamp, "optical", data, "png")
                else:
                    bag.image(TOPIC, stamp, "optical", picture)
        return tmp_path / "bag"

    return write_bag


def _base(image: PosedImage) -> NDArray[np.float64]:
    return inverse(image.cam_from_world) @ inverse(MOUNT)


def _extract(path: Path, folder: Path, **settings: Any) -> BagSceneReport:
    folder.mkdir(exist_ok=True)
    with BagReader(path) as bag:
        return extract_bag_scene(bag, folder, BagSceneConfig(**{"every_m": 0.0, **settings}), silent)


@pytest.mark.parametrize("compressed", [False, True])
def test_images_have_the_poses_of_tf_at_their_stamps(
    write: Write, drive: Any, tmp_path: Path, *, compressed: bool
) -> None:
    report = _extract(write(compressed=compressed), tmp_path / "out")
    folder, truth = drive
    assert (report.offered, report.without_pose, report.unreadable, len(report.images)) == (6, 0, 0, 6)
    for taken, given in zip(report.images, truth, strict=True):
        np.testing.assert_allclose(taken.cam_from_world, given.cam_from_world, atol=1e-9)
        assert taken.camera == given.camera
        np.testing.assert_array_equal(
            read_image(tmp_path / "out" / taken.name), read_image(folder / "images" / given.name)
        )


def test_an_image_is_taken_when_its_camera_has_moved_far_enough(write: Write, tmp_path: Path) -> None:
    path = write()
    every = {
        far: len(_extract(path, tmp_path / "out", every_m=far, every_deg=180.0).images) for far in (0.2, 0.6, 50.0)
    }
    assert every[0.2] == 6
    assert 2 <= every[0.6] <= 4
    assert every[50.0] == 1
    assert len(_extract(path, tmp_path / "out", every_m=50.0, every_deg=0.5).images) == 6


def test_images_in_a_gap_of_tf_are_left_out_and_counted(write: Write, tmp_path: Path) -> None:
    report = _extract(write(gaps=(0, 5)), tmp_path / "out")
    assert (report.without_pose, len(report.images)) == (2, 4)


def test_poses_of_a_topic_take_the_place_of_tf(write: Write, drive: Any, tmp_path: Path) -> None:
    shift = rigid(np.eye(3), [0, 0, 7.0])
    report = _extract(write(shift=shift), tmp_path / "out", pose_topic="/truth", frame="earth")
    assert len(report.images) == 6
    for taken, given in zip(report.images, drive[1], strict=True):
        expected = inverse(_base(given) @ shift @ MOUNT)
        np.testing.assert_allclose(taken.cam_from_world, expected, atol=1e-9)


def test_what_cannot_be_decoded_is_counted(write: Write, tmp_path: Path) -> None:
    report = _extract(write(compressed=True, cut=(2,)), tmp_path / "out")
    assert (report.unreadable, len(report.images)) == (1, 5)


@pytest.mark.parametrize(
    ("bag", "settings", "refusal"),
    [
        ({}, {"frame": "map"}, (BagError, "'map'.*--frame")),
        ({}, {"image_topics": ("/other",)}, (BagError, "no topic '/other'")),
        ({}, {"pose_topic": TOPIC}, (BagError, "sensor_msgs/msg/Image")),
        ({"with_tf": False}, {}, (BagError, "no /tf")),
        ({"with_info": False}, {}, (BagError, "no image topic with a camera_info")),
        ({"with_info": False}, {"image_topics": (TOPIC,)}, (CameraError, "camera_info")),
    ],
)
def test_a_bag_that_cannot_be_mapped_is_refused_with_its_reason(
    write: Write, tmp_path: Path, bag: Any, settings: Any, refusal: tuple[type[Exception], str]
) -> None:
    path = write(**bag)
    error, says = refusal
    with pytest.raises(error, match=says):
        _extract(path, tmp_path / "out", **settings)
