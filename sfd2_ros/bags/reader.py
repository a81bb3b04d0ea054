# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a rosbag2 (mcap or sqlite3) without ROS, through the library rosbags.

Names of topics have one slash in front, whatever the bag or the caller writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability
from rosbags.typesys import Stores, get_typestore

from sfd2_ros.core.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import TypeVar

    from rosbags.interfaces import Connection, ConnectionExtRosbag2
    from typing_extensions import Self

    ResultT = TypeVar("ResultT")

METADATA = "metadata.yaml"
DATA_SUFFIXES = (".mcap", ".db3")


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag.

    Attributes:
        name: with its leading slash.
        type_name: as ROS writes it, "sensor_msgs/msg/Image".
        count: messages.
        is_latched: whether its publisher kept the last messages for those who came later.
    """

    name: str
    type_name: str
    count: int
    is_latched: bool


@dataclass(frozen=True)
class BagMessage:
    """A recorded message.

    Attributes:
        topic: name.
        type_name: of the message.
        time_ns: when it was recorded.
        data: serialized as on the wire (CDR).
    """

    topic: str
    type_name: str
    time_ns: int
    data: bytes


def is_bag(path: Path) -> bool:
    """Return whether a path looks like a bag: a folder with metadata.yaml or data files, or a file by its ending."""
    return (path / METADATA).is_file() or bool(_data_files(path)) or path.suffix in (*DATA_SUFFIXES, ".bag")


def topic_name(name: str) -> str:
    """Return a topic's name as `BagReader` has it: one slash in front, whoever wrote it how."""
    return "/" + name.strip("/")


def _data_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in DATA_SUFFIXES) if folder.is_dir() else []


class BagReader:
    """A rosbag2, open; use it as a context manager.

    Args:
        path: the folder with metadata.yaml, or an .mcap or .db3 file. Of a folder whose metadata.yaml is missing (the
            recorder was killed) or names no storage, the data files are read as they are.

    Raises:
        BagError: there is no bag, it is one of ROS 1, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        parts = _parts(path)
        self._reader = self._guarded(lambda: AnyReader(parts, default_typestore=get_typestore(Stores.ROS2_HUMBLE)))
        self._guarded(self._reader.open)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def topics(self) -> list[BagTopic]:
        """The topics, by name."""
        topics: dict[str, BagTopic] = {}
        for connection in self._reader.connections:
            name = topic_name(connection.topic)
            known = topics.get(name)
            topics[name] = BagTopic(
                name,
                connection.msgtype,
                connection.msgcount + (known.count if known else 0),
                _is_latched(connection) or (known is not None and known.is_latched),
            )
        return [topics[name] for name in sorted(topics)]

    @property
    def duration_s(self) -> float:
        """Time between the first and the last message, seconds."""
        return max(self._reader.duration, 0) / 1e9 if self._reader.message_count else 0.0

    def require(self, names: Iterable[str]) -> None:
        """Check that topics are there.

        Raises:
            BagError: one is missing; names those that are there.
        """
        there = [topic.name for topic in self.topics]
        for name in map(topic_name, names):
            if name not in there:
                raise BagError(f"bag {str(self._path)!r} has no topic {name!r}; it has: {', '.join(there) or 'none'}")

    def messages(self, names: Iterable[str] | None = None) -> Iterator[BagMessage]:
        """Yield messages in the order of their recording.

        Args:
            names: topics to read; None for all.

        Raises:
            BagError: a topic is missing, or the bag is damaged.
        """
        chosen = None if names is None else set(map(topic_name, names))
        self.require(chosen or ())
        connections = [each for each in self._reader.connections if chosen is None or topic_name(each.topic) in chosen]
        if not connections:
            return
        recorded = self._guarded(lambda: self._reader.messages(connections))
        while (found := self._guarded(lambda: next(recorded, None))) is not None:
            connection, time_ns, data = found
            yield BagMessage(topic_name(connection.topic), connection.msgtype, time_ns, bytes(data))

    def decode(self, message: BagMessage) -> Any:
        """Return a message as an object with the fields of its type; arrays are NumPy's.

        Raises:
            BagError: it is damaged, or of a type whose definition is neither in the bag nor known.
        """
        return self._guarded(lambda: self._reader.deserialize(message.data, message.type_name))

    def _guarded(self, act: Callable[[], ResultT]) -> ResultT:
        """Call the library; what it raises for a damaged bag ranges from AssertionError to zlib.error."""
        try:
            return act()
        except BagError:
            raise
        except Exception as err:
            raise BagError(
                f"bag {str(self._path)!r} cannot be read ({type(err).__name__}: {err}); copy it again, or repair "
                "it with `ros2 bag reindex`, an .mcap file with `mcap recover`"
            ) from err


def _parts(path: Path) -> list[Path]:
    """Return what the library is to open: the folder or file itself, or the data files of a folder.

    Raises:
        BagError: there is no bag, or it is one of ROS 1.
    """
    if not path.exists():
        raise BagError(f"bag {str(path)!r} does not exist; name the folder that holds {METADATA}")
    if path.suffix == ".bag":
        raise BagError(f"bag {str(path)!r} is of ROS 1; convert it with `rosbags-convert --src {path} --dst FOLDER`")
    if not path.is_dir():
        if not path.is_file():  # a pipe would never end
            raise BagError(f"bag {str(path)!r} is no regular file; name a folder or an .mcap or .db3 file")
        return [path]
    if (path / METADATA).is_file() and _names_storage(path / METADATA):
        return [path]
    files = _data_files(path)
    if not files:
        problem = f"its {METADATA} names no storage" if (path / METADATA).is_file() else f"it has no {METADATA}"
        raise BagError(
            f"{str(path)!r} is no rosbag2: {problem}, and no .mcap or .db3 file; `ros2 bag reindex` makes one"
        )
    return files


def _names_storage(metadata: Path) -> bool:
    """Return false where metadata.yaml can be read and leaves the storage empty; the library judges all else."""
    try:
        content = yaml.safe_load(metadata.read_text(encoding="utf-8"))
        return bool(content["rosbag2_bagfile_information"]["storage_identifier"])
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError):
        return True


def _is_latched(connection: Connection) -> bool:
    profiles = cast("ConnectionExtRosbag2", connection.ext).offered_qos_profiles
    return any(profile.durability is QosDurability.TRANSIENT_LOCAL for profile in profiles)
