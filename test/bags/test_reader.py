# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from sfd2_ros.bags.reader import BagReader, is_bag
from sfd2_ros.core.errors import BagError

STORE = get_typestore(Stores.ROS2_HUMBLE)
NEVER = QosTime(9223372036, 854775807)


def qos(durability: QosDurability) -> list[Qos]:
    automatic = QosLiveliness.AUTOMATIC
    return [Qos(QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, durability, NEVER, NEVER, automatic, NEVER, False)]


def write_bag(path: Path, storage: StoragePlugin) -> None:
    """Write ten strings on /chatter and one on the latched /robot."""
    string = STORE.types["std_msgs/msg/String"]
    with Writer(path, version=9 if storage is StoragePlugin.MCAP else 8, storage_plugin=storage) as writer:
        chatter = writer.add_connection(
            "/chatter", string.__msgtype__, typestore=STORE, offered_qos_profiles=qos(QosDurability.VOLATILE)
        )
        robot = writer.add_connection(
            "/robot", string.__msgtype__, typestore=STORE, offered_qos_profiles=qos(QosDurability.TRANSIENT_LOCAL)
        )
        for number in range(10):
            data = STORE.serialize_cdr(string(f"message {number}"), string.__msgtype__)
            writer.write(chatter, 1_000_000_000 + number * 100_000_000, data)
        writer.write(robot, 1_050_000_000, STORE.serialize_cdr(string("description"), string.__msgtype__))


@pytest.fixture(params=[StoragePlugin.MCAP, StoragePlugin.SQLITE3], ids=["mcap", "sqlite3"])
def bag(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_bag(tmp_path / "bag", request.param)
    return tmp_path / "bag"


def test_topics_have_type_count_and_durability(bag: Path) -> None:
    with BagReader(bag) as reader:
        found = [(topic.name, topic.type_name, topic.count, topic.is_latched) for topic in reader.topics]
        assert reader.duration_s == pytest.approx(0.9)
    assert found == [("/chatter", "std_msgs/msg/String", 10, False), ("/robot", "std_msgs/msg/String", 1, True)]


def test_messages_come_in_the_order_of_their_recording(bag: Path) -> None:
    with BagReader(bag) as reader:
        read = [(message.topic, reader.decode(message).data) for message in reader.messages()]
    assert read[:3] == [("/chatter", "message 0"), ("/robot", "description"), ("/chatter", "message 1")]
    assert len(read) == 11


def test_chosen_topics_alone_are_read(bag: Path) -> None:
    with BagReader(bag) as reader:
        assert [message.time_ns for message in reader.messages(["/robot"])] == [1_050_000_000]


def test_missing_topic_is_named_with_those_that_are_there(bag: Path) -> None:
    with BagReader(bag) as reader, pytest.raises(BagError, match="no topic '/image'; it has: /chatter, /robot"):
        list(reader.messages(["/image"]))


def test_single_file_is_a_bag_too(bag: Path) -> None:
    (file,) = [path for path in bag.iterdir() if path.suffix in (".mcap", ".db3")]
    with BagReader(file) as reader:
        assert len(list(reader.messages())) == 11


@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "does not exist"), ("empty", "no metadata.yaml"), ("old.bag", "of ROS 1")]
)
def test_what_is_no_rosbag2_is_refused_with_a_remedy(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(BagError, match=message):
        BagReader(tmp_path / name)


def test_truncated_and_altered_bags_end_in_an_error_or_in_what_was_recorded(bag: Path) -> None:
    generator = np.random.default_rng(0)
    (file,) = [path for path in bag.iterdir() if path.suffix in (".mcap", ".db3")]
    sound = file.read_bytes()
    errors = 0
    for trial in range(60):
        damaged = bytearray(sound)
        if trial % 2:
            damaged = damaged[: generator.integers(0, len(sound))]
        else:
            for place in generator.integers(0, len(sound), 40):
                damaged[place] ^= 1 << int(generator.integers(0, 8))
        file.write_bytes(bytes(damaged))
        try:
            with BagReader(bag) as reader:
                list(reader.messages())
        except BagError:
            errors += 1
    assert errors > 20


def _without_metadata(folder: Path) -> None:
    (folder / "metadata.yaml").unlink()


def _with_empty_storage(folder: Path) -> None:
    text = (folder / "metadata.yaml").read_text()
    (folder / "metadata.yaml").write_text(re.sub(r"storage_identifier: \S+", "storage_identifier: ''", text))
    assert "storage_identifier: ''" in (folder / "metadata.yaml").read_text()


@pytest.mark.parametrize("spoil", [_without_metadata, _with_empty_storage])
def test_a_bag_whose_recorder_left_no_metadata_is_read(bag: Path, spoil: Callable[[Path], None]) -> None:
    spoil(bag)
    assert is_bag(bag)
    with BagReader(bag) as reader:
        assert [(topic.name, topic.count) for topic in reader.topics] == [("/chatter", 10), ("/robot", 1)]
        assert len(list(reader.messages())) == 11


def test_the_files_of_a_split_bag_without_metadata_are_read_in_the_order_of_time(bag: Path) -> None:
    (file,) = [path for path in bag.iterdir() if path.suffix in (".mcap", ".db3")]
    shutil.copy(file, file.with_name(f"bag_1{file.suffix}"))
    _without_metadata(bag)
    with BagReader(bag) as reader:
        times = [message.time_ns for message in reader.messages(["/chatter"])]
        assert [topic.count for topic in reader.topics] == [20, 2]
    assert len(times) == 20
    assert times == sorted(times)


def test_a_folder_with_metadata_that_names_no_storage_and_no_data_is_refused(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", StoragePlugin.MCAP)
    _with_empty_storage(tmp_path / "bag")
    (tmp_path / "bag" / "bag.mcap").rename(tmp_path / "elsewhere.mcap")
    with pytest.raises(BagError, match=r"its metadata\.yaml names no storage, and no \.mcap or \.db3 file"):
        BagReader(tmp_path / "bag")


def test_names_of_topics_have_one_slash_in_front_whatever_the_bag_and_the_caller_write(tmp_path: Path) -> None:
    string = STORE.types["std_msgs/msg/String"]
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for name in ("plain", "/slash"):
            connection = writer.add_connection(name, string.__msgtype__, typestore=STORE)
            writer.write(connection, 1, STORE.serialize_cdr(string("a"), string.__msgtype__))
    with BagReader(tmp_path / "bag") as reader:
        assert [topic.name for topic in reader.topics] == ["/plain", "/slash"]
        reader.require(["plain", "/plain", "slash"])
        assert [message.topic for message in reader.messages(["plain", "slash"])] == ["/plain", "/slash"]


def test_a_pipe_is_no_bag_and_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mcap")
    with pytest.raises(BagError, match="is no regular file"):
        BagReader(tmp_path / "a.mcap")
