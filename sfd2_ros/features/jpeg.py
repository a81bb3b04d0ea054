# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the first image of a JPEG file ends, and whether one without an end marker is whole.

Phones append a film to the image (motion photos); some cameras leave the end marker out. Decoders fill the rows that
are missing with gray, without an error, so neither may be taken for the other.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.streams import STDERR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
# In the data of a scan FF is followed by 00; FF D0 to FF D7 are restart markers within it.
_MARKER_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# No decoder takes all of these for the same pixels; none holds an FF.
_FILLINGS = (b"\x55" * 64, b"\xaa" * 64, b"\xfe" * 64)
_redirecting = threading.Lock()


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (h, w) of the first image, or None where no frame header is found."""
    for marker, place in _segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
            return int(height), int(width)
    return None


def has_end(data: bytes) -> bool:
    """Return whether the first image of a JPEG file has its end marker, whatever follows it."""
    try:
        return any(marker == _END_OF_IMAGE for marker, _ in _segments(data))
    except struct.error:  # a segment is cut
        return False


def decode_without_end(data: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG file that lacks its end marker as OpenCV decodes one unchanged.

    It is decoded with different fillings before an end marker: they show where the data of the image run out.

    Returns:
        None where a part of the image is missing.
    """
    data = data.rstrip(b"\xff")  # the first byte of a marker, or of a value that is cut
    with _quiet_stderr():
        picture, *others = (_decode(data + filling + JPEG_END) for filling in (b"", *_FILLINGS))
    is_whole = picture is not None and all(one is not None and np.array_equal(picture, one) for one in others)
    return picture if is_whole else None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker and the place after it, up to the end marker or the end of the data."""
    place = 2
    while (place := data.find(b"\xff", place)) >= 0:
        while data[place : place + 1] == b"\xff":
            place += 1
        if place >= len(data):
            return
        marker = data[place]
        place += 1
        yield marker, place
        if marker == _END_OF_IMAGE:
            return
        if marker in _WITHOUT_LENGTH or marker == 0:
            continue
        (length,) = struct.unpack_from(">H", data, place)
        place += length
        if marker == _START_OF_SCAN:
            found = _MARKER_AFTER_SCAN.search(data, place)
            if found is None:
                return
            place = found.start()


def _decode(data: bytes) -> NDArray[np.uint8] | None:
    try:
        decoded: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return decoded


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep libjpeg's remarks on the fillings off standard error; it offers no other way."""
    with _redirecting:
        kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, STDERR)
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            os.close(nowhere)
