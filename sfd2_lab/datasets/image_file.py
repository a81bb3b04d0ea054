# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at the head and the tail of image files: whether they are whole, and how large the image is."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

_PNG_HEAD, _PNG_TAIL = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB\x60\x82"
_JPEG_HEAD, _JPEG_TAIL = b"\xff\xd8", b"\xff\xd9"
_HEAD_BYTES, _TAIL_BYTES = 32, 4096
_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def image_size(path: Path) -> tuple[int, int]:
    """Return (w, h) of a PNG or JPEG file, and check that the file has its end.

    Nothing is decoded: this takes two reads a file, so that tens of thousands are looked at in seconds.

    Raises:
        DatasetError: the file is missing, empty, cut, or neither PNG nor JPEG.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - _TAIL_BYTES))
            tail = file.read()
    except OSError as err:
        raise DatasetError(f"cannot be read: {err.strerror or err}") from err
    if head.startswith(_PNG_HEAD):
        if not tail.endswith(_PNG_TAIL):
            raise DatasetError("ends too early")
        width, height = struct.unpack(">II", head[16:24])
        return int(width), int(height)
    if head.startswith(_JPEG_HEAD):
        if tail.rfind(_JPEG_TAIL) < 0:
            raise DatasetError("ends too early")
        return _jpeg_size(path)
    raise DatasetError("is empty" if not head else "is neither PNG nor JPEG")


def size_or_damage(path: Path) -> tuple[int, int] | str:
    """Return (w, h) of an image file, or in words what is wrong with it; see `image_size`."""
    try:
        return image_size(path)
    except DatasetError as err:
        return str(err)


def _jpeg_size(path: Path) -> tuple[int, int]:
    """Walk the segments of a JPEG to the one with its size; those before it may be large, such as EXIF's."""
    with path.open("rb") as file:
        file.seek(2)
        while len(segment := file.read(9)) == 9 and segment[0] == 0xFF:
            length = struct.unpack(">H", segment[2:4])[0]
            if segment[1] in _FRAME_MARKERS:
                height, width = struct.unpack(">HH", segment[5:9])
                return int(width), int(height)
            file.seek(length - 7, os.SEEK_CUR)
    raise DatasetError("is a JPEG without a size in its head")
