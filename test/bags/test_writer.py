# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags as the writer leaves them."""

from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.errors import BagError, OutputError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera

STAMP_NS = 1_600_000_000_123_456_789


def read_all(path: Path) -> list[tuple[str, int, object]]:
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        return [
            (connection.topic, stamp_ns, reader.deserialize(raw, connection.msgtype))
            for connection, stamp_ns, raw in reader.messages()
        ]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_every_kind_of_message_reads_back(tmp_path: Path, storage: str) -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    camera = Camera(4, 2, 3.0, 3.5, 1.5, 0.5, "plumb_bob", (0.1, -0.2, 0.001, 0.002))
    pose = rigid([[0, -1, 0], [1, 0, 0], [0, 0, 1]], (1, 2, 3))
    with open_bag(tmp_path / "bag", storage=storage) as bag:
        bag.image("/image", STAMP_NS, "cam", picture)
        bag.compressed_image("/jpeg", STAMP_NS, "cam", b"abc", "jpeg")
        bag.camera_info("/info", STAMP_NS, "cam", camera)
        bag.transforms(STAMP_NS, [("odom", "base_link", pose)])
        bag.static_transforms(STAMP_NS, [("base_link", "cam", pose)])
        bag.odometry("/odom", STAMP_NS, ("odom", "base_link"), pose, np.arange(6.0))
        bag.pose("/pose", STAMP_NS, "map", pose)
    messages = {topic: message for topic, stamp_ns, message in read_all(tmp_path / "bag") if stamp_ns == STAMP_NS}
    assert len(messages) == 7
    np.testing.assert_array_equal(messages["/image"].data.reshape(2, 4, 3), picture)
    assert messages["/image"].step == 12
    assert bytes(messages["/jpeg"].data) == b"abc"
    assert list(messages["/info"].d) == list(camera.distortion)
    np.testing.assert_array_equal(messages["/info"].k.reshape(3, 3), camera.matrix)
    stamp = messages["/pose"].header.stamp
    assert stamp.sec * 1_000_000_000 + stamp.nanosec == STAMP_NS
    rotation = messages["/pose"].pose.orientation
    np.testing.assert_allclose([rotation.z, rotation.w], np.sqrt(0.5))
    assert messages["/odom"].twist.twist.angular.z == 5
    assert {path.name for path in (tmp_path / "bag").iterdir()} == {
        "metadata.yaml",
        "bag.mcap" if storage == "mcap" else "bag.db3",
    }


def test_an_ideal_camera_has_five_zero_coefficients(tmp_path: Path) -> None:
    with open_bag(tmp_path / "bag") as bag:
        bag.camera_info("/info", STAMP_NS, "cam", Camera(4, 2, 3.0, 3.0, 1.5, 0.5))
    ((_, _, info),) = read_all(tmp_path / "bag")
    assert info.distortion_model == "plumb_bob"
    assert list(info.d) == [0] * 5


def test_static_transforms_are_latched(tmp_path: Path) -> None:
    with open_bag(tmp_path / "bag") as bag:
        bag.static_transforms(STAMP_NS, [("base_link", "cam", np.eye(4))])
    assert "durability: 1" in (tmp_path / "bag/metadata.yaml").read_text(encoding="utf-8")


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        fail_while_writing(tmp_path / "bag")
    assert not list(tmp_path.iterdir())


def fail_while_writing(path: Path) -> None:
    with open_bag(path) as bag:
        bag.pose("/pose", STAMP_NS, "map", np.eye(4))
        raise RuntimeError("stop")


def test_existing_bags_and_unknown_storages_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    with pytest.raises(OutputError, match="--overwrite"), open_bag(tmp_path / "bag"):
        pass
    with pytest.raises(BagError, match="'zip'"), open_bag(tmp_path / "other", storage="zip"):
        pass
