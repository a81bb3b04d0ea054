# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive out of a bag: keyframes of the whole rig, at sharp moments, with odometry and GNSS fixes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.bag_drive import BagDrive, extract_bag_drive
from sfd2_ros.bags.bag_scene import BagSceneConfig
from sfd2_ros.bags.keyframe_choice import group_by_stamp
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.bags.writer import BagWriter, open_bag
from sfd2_ros.core.errors import BagError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import Camera
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
LEFT = rigid(rotation_from_vector([0, 0, 1.0]), [0.2, 0.5, 1.0])
RIGHT = rigid(rotation_from_vector([0, 0, -1.0]), [0.2, -0.5, 1.0])
ANTENNA = rigid(np.eye(3), [-0.4, 0.0, 2.0])
STEP_NS, STEP_M = 100_000_000, 0.1


def _fix(bag: BagWriter, stamp_ns: int, *, status: int = 0, known: int = 2) -> None:
    """Write a NavSatFix at latitude 51 that moves north by a metre in each second."""
    fields = {
        "header": bag._header(stamp_ns, "gnss"),
        "status": bag._message("sensor_msgs/msg/NavSatStatus", {"status": status, "service": 1}),
        "latitude": 51.0 + stamp_ns * 1e-9 * 9e-6,
        "longitude": 7.0,
        "altitude": 100.0,
        "position_covariance": np.diag([4.0, 9.0, 16.0]).ravel(),
        "position_covariance_type": known,
    }
    bag._write("/fix", "sensor_msgs/msg/NavSatFix", stamp_ns, fields)


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a call that writes a straight drive of 3 m, an image of each camera every 0.1 m."""
    sharp = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    blurred = cv2.GaussianBlur(sharp, (9, 9), 4)

    def write_bag(*, late_ns: int = 0, sharp_at: tuple[int, ...] = (), **more: Any) -> Path:
        with open_bag(tmp_path / "bag") as bag:
            mounts = [("base_link", "left", LEFT), ("base_link", "gnss", ANTENNA)]
            if not more.get("right_moves"):
                mounts.append(("base_link", "right", RIGHT))
            bag.static_transforms(0, mounts)
            for index in range(31):
                stamp = 1_000_000_000 + index * STEP_NS
                place = rigid(np.eye(3), [index * STEP_M, 0, 0])
                if index not in more.get("without_odometry", ()):
                    bag.transforms(stamp, [("odom", "base_link", place)])
                    bag.transforms(
                        stamp + STEP_NS // 2, [("odom", "base_link", place @ rigid(np.eye(3), [STEP_M / 2, 0, 0]))]
                    )
                if more.get("right_moves"):
                    bag.transforms(stamp, [("base_link", "right", RIGHT)])
                for name, at in (("left", stamp), ("right", stamp + late_ns)):
                    bag.camera_info(f"/{name}/camera_info", at, name, CAMERA)
                    bag.image(f"/{name}/image_raw", at, name, sharp if index in sharp_at else blurred)
                _fix(bag, stamp, status=-1 if index in more.get("no_fix", ()) else 0, known=more.get("known", 2))
        return tmp_path / "bag"

    return write_bag


def _extract(path: Path, folder: Path, **settings: Any) -> BagDrive:
    folder.mkdir(exist_ok=True)
    with BagReader(path) as bag:
        return extract_bag_drive(bag, folder, BagSceneConfig(**settings), silent)


def _places(taken: BagDrive) -> NDArray[np.float64]:
    return np.array([one.odom_from_base[0, 3] for one in taken.drive.keyframes])


def test_keyframes_hold_the_images_of_all_cameras_half_a_metre_apart(write: Write, tmp_path: Path) -> None:
    taken = _extract(write(), tmp_path / "out")
    assert np.all(np.abs(np.diff(_places(taken)) - 0.5) < 0.11)
    assert [len(one.images) for one in taken.drive.keyframes] == [2] * len(taken.drive.keyframes)
    mounts = {one.name: one.base_from_cam for one in taken.drive.cameras}
    np.testing.assert_allclose(mounts["/left/image_raw"], LEFT, atol=1e-9)
    np.testing.assert_allclose(mounts["/right/image_raw"], RIGHT, atol=1e-9)
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert files == sorted(name for _, _, name in taken.drive.images)
    assert taken.drive.keyframes[-1].travelled_m == pytest.approx(_places(taken)[-1] - _places(taken)[0], abs=1e-6)


def test_the_sharpest_moment_near_the_distance_is_taken(write: Write, tmp_path: Path) -> None:
    taken = _extract(write(sharp_at=(4, 10)), tmp_path / "out")
    assert _places(taken)[1] == pytest.approx(0.4)
    assert 1.0 in _places(taken).round(6)


def test_cameras_that_are_not_triggered_together_have_keyframes_of_their_own(write: Write, tmp_path: Path) -> None:
    taken = _extract(write(late_ns=30_000_000), tmp_path / "out")
    assert {len(one.images) for one in taken.drive.keyframes} == {1}
    assert len({camera for _, camera, _ in taken.drive.images}) == 2
    stamps = [one.stamp_ns for one in taken.drive.keyframes]
    assert stamps == sorted(stamps)


def test_a_moment_has_one_image_of_a_camera() -> None:
    groups = group_by_stamp({"a": [0, 1_000_000, 90_000_000], "b": [500_000]})
    assert groups == [(("a", 0), ("b", 500_000)), (("a", 1_000_000),), (("a", 90_000_000),)]


def test_images_without_odometry_are_counted_and_left_out(write: Write, tmp_path: Path) -> None:
    taken = _extract(write(without_odometry=(0, 1, 30)), tmp_path / "out")
    assert taken.without_pose == 2 * 3
    assert _places(taken)[0] == pytest.approx(0.2)


def test_fixes_have_their_covariance_and_the_antennas_place_by_odometry(write: Write, tmp_path: Path) -> None:
    drive = _extract(write(no_fix=(3,)), tmp_path / "out").drive
    assert len(drive.fixes) == 30
    np.testing.assert_allclose(drive.fixes[10].covariance_m2, np.diag([4.0, 9.0, 16.0]))
    np.testing.assert_allclose(drive.fixes[10].odom_from_antenna[:3, 3], [1.1 - 0.4, 0, 2.0], atol=1e-9)
    assert drive.fixes[0].longitude_deg == 7.0


def test_fixes_without_a_covariance_get_a_loose_one(write: Write, tmp_path: Path) -> None:
    drive = _extract(write(known=0), tmp_path / "out").drive
    np.testing.assert_allclose(np.diag(drive.fixes[0].covariance_m2), [9.0, 9.0, 36.0])
    assert _extract(tmp_path / "bag", tmp_path / "out", gnss_topic="none").drive.fixes == ()


@pytest.mark.parametrize(
    ("bag", "settings", "says"),
    [
        ({"right_moves": True}, {}, "move against each other.*--image-topic"),
        ({}, {"gnss_topic": "/left/image_raw"}, "holds no sensor_msgs/msg/NavSatFix"),
        ({}, {"frame": "base_link"}, "does not move in 'base_link'"),
        ({}, {"frame": "nowhere"}, "--frame"),
        ({}, {"every_m": 50.0}, "two are needed"),
    ],
)
def test_a_bag_that_is_no_drive_is_rejected_with_its_reason(
    write: Write, tmp_path: Path, bag: Any, settings: Any, says: str
) -> None:
    path = write(**bag)
    with pytest.raises(BagError, match=says):
        _extract(path, tmp_path / "out", **settings)
