# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the binary files of a COLMAP model are whole, before COLMAP reads them.

COLMAP takes the counts in a damaged file at their word: it then reserves memory without end or never returns.
Source of the layout: https://colmap.github.io/format.html, and what pycolmap 4.2 writes for rigs and frames.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Any

import pycolmap

from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COUNT = struct.Struct("<Q")
_CAMERA = struct.Struct("<IiQQ")
_IMAGE_BYTES = 4 + 7 * 8 + 4
_KEYPOINT_BYTES = 2 * 8 + 8
_POINT_BYTES = 8 + 3 * 8 + 3 + 8
_TRACK_BYTES = 4 + 4
_RIG = struct.Struct("<II")
_SENSOR_BYTES = 4 + 4
_POSE_BYTES = 7 * 8
_FRAME_BYTES = 4 + 4 + _POSE_BYTES
_FRAME_DATA = struct.Struct("<I")
_DATA_BYTES = _SENSOR_BYTES + 8


def check_binary_model(folder: Path) -> None:
    """Check that every binary file of a COLMAP model is as long as its counts say.

    Raises:
        SceneError: names the file that is damaged, or that cannot be read.
    """
    for name, skip in _SKIPS.items():
        path = folder / f"{name}.bin"
        if not path.is_file():
            continue
        try:
            end, size = _end_of(path, skip)
        except (struct.error, ValueError, OSError) as err:
            raise SceneError(f"{str(path)!r} is damaged: {err}; copy the COLMAP model again") from err
        if end != size:
            raise SceneError(
                f"{str(path)!r} is damaged: its counts need {end} bytes, it has {size}; copy the COLMAP model again"
            )


def check_text_model(folder: Path, reconstruction: Any) -> None:
    """Check that the text files of a COLMAP model hold all entries of a reconstruction, to the last line's end.

    Raises:
        SceneError: names the file that is damaged, or that cannot be read.
    """
    counts = {
        "cameras": reconstruction.num_cameras(),
        "images": 2 * reconstruction.num_reg_images(),
        "points3D": reconstruction.num_points3D(),
    }
    for name, count in counts.items():
        path = folder / f"{name}.txt"
        try:
            lines = [line for line in path.read_bytes().split(b"\n") if not line.startswith(b"#")]
        except OSError as err:
            raise SceneError(f"{str(path)!r} cannot be read: {err.strerror or err}") from err
        if len(lines) != count + 1 or lines[-1]:
            raise SceneError(f"{str(path)!r} has {len(lines) - 1} of {count} lines")


def _end_of(path: Path, skip: Callable[[mmap.mmap, int], int]) -> tuple[int, int]:
    """Return where the entries of a file end, and how long the file is."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (count,) = _COUNT.unpack_from(data, 0)
        offset, size = _COUNT.size, len(data)
        for _ in range(count):
            offset = skip(data, offset)
            if offset > size:
                raise ValueError(f"it ends after {size} bytes, in the midst of {count} entries")
        return offset, size


def _skip_camera(data: mmap.mmap, offset: int) -> int:
    _, model_id, _, _ = _CAMERA.unpack_from(data, offset)
    model = pycolmap.CameraModelId(model_id)
    parameters = pycolmap.Camera.create_from_model_id(1, model, 1.0, 1, 1).params
    return offset + _CAMERA.size + 8 * len(parameters)


def _skip_image(data: mmap.mmap, offset: int) -> int:
    name_end = data.find(b"\0", offset + _IMAGE_BYTES)
    if name_end < 0:
        raise ValueError("the name of an image does not end")
    (keypoints,) = _COUNT.unpack_from(data, name_end + 1)
    return int(name_end + 1 + _COUNT.size + _KEYPOINT_BYTES * keypoints)


def _skip_point(data: mmap.mmap, offset: int) -> int:
    (observations,) = _COUNT.unpack_from(data, offset + _POINT_BYTES)
    return int(offset + _POINT_BYTES + _COUNT.size + _TRACK_BYTES * observations)


def _skip_rig(data: mmap.mmap, offset: int) -> int:
    _, sensors = _RIG.unpack_from(data, offset)
    offset += _RIG.size + (_SENSOR_BYTES if sensors else 0)
    for _ in range(sensors - 1):
        # A byte says whether the pose of a sensor in the rig is known and follows.
        has_pose = data[offset + _SENSOR_BYTES] if offset + _SENSOR_BYTES < len(data) else 0
        offset += _SENSOR_BYTES + 1 + (_POSE_BYTES if has_pose else 0)
        if offset > len(data):
            break
    return offset


def _skip_frame(data: mmap.mmap, offset: int) -> int:
    (count,) = _FRAME_DATA.unpack_from(data, offset + _FRAME_BYTES)
    return int(offset + _FRAME_BYTES + _FRAME_DATA.size + _DATA_BYTES * count)


_SKIPS: dict[str, Callable[[mmap.mmap, int], int]] = {
    "cameras": _skip_camera,
    "images": _skip_image,
    "points3D": _skip_point,
    "rigs": _skip_rig,
    "frames": _skip_frame,
}
