# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Joins rosbag2 folders, one after another in time, into one that is split into their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from sfd2_ros.bags.writer import BAG_MARKER
from sfd2_ros.core.errors import BagError
from sfd2_ros.core.files import atomic_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INFORMATION = "rosbag2_bagfile_information"


def join_bags(parts: Sequence[Path], path: Path, *, overwrite: bool = False) -> None:
    """Move the files of bags into one bag; nothing is copied, and the parts are bags no longer.

    Args:
        parts: folders of bags of one storage, in the order of time.
        path: folder of the bag to make.
        overwrite: replace an existing bag.

    Raises:
        BagError: there are no parts, or one is damaged.
        OutputError: `path` exists and may not be replaced, or cannot be written.
    """
    if not parts:
        raise BagError("no bags to join; at least one is needed")
    contents = [_read_metadata(part) for part in parts]
    with atomic_folder(path, overwrite=overwrite, marker=BAG_MARKER) as folder:
        for number, (part, content) in enumerate(zip(parts, contents, strict=True)):
            (file,) = content["relative_file_paths"]
            new_name = f"{path.stem}_{number}{(part / file).suffix}"
            (part / file).rename(folder / new_name)
            content["relative_file_paths"] = [new_name]
            content["files"][0]["path"] = new_name
        joined = {_INFORMATION: _merged(contents)}
        (folder / BAG_MARKER).write_text(yaml.safe_dump(joined, sort_keys=False), encoding="utf-8")


def _read_metadata(part: Path) -> dict[str, Any]:
    try:
        content: Any = yaml.safe_load((part / BAG_MARKER).read_text(encoding="utf-8"))[_INFORMATION]
        if len(content["relative_file_paths"]) != 1 or len(content["files"]) != 1:
            raise BagError(f"bag {str(part)!r} is split already; join bags of one file each")
    except (OSError, yaml.YAMLError, LookupError, TypeError) as err:
        raise BagError(f"bag {str(part)!r} has no readable {BAG_MARKER}: {err}; remove it and write it again") from err
    return dict(content)


def _merged(contents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the metadata of the whole: counts added, times spanned."""
    topics: dict[str, dict[str, Any]] = {}
    for content in contents:
        for topic in content["topics_with_message_count"]:
            known = topics.setdefault(topic["topic_metadata"]["name"], {**topic, "message_count": 0})
            known["message_count"] += topic["message_count"]
    starts = [content["starting_time"]["nanoseconds_since_epoch"] for content in contents]
    ends = [start + content["duration"]["nanoseconds"] for start, content in zip(starts, contents, strict=True)]
    return {
        **contents[0],
        "relative_file_paths": [content["relative_file_paths"][0] for content in contents],
        "files": [content["files"][0] for content in contents],
        "message_count": sum(content["message_count"] for content in contents),
        "topics_with_message_count": list(topics.values()),
        "starting_time": {"nanoseconds_since_epoch": min(starts)},
        "duration": {"nanoseconds": max(ends) - min(starts)},
    }
