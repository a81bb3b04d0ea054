# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decodes the first image of a JPEG file, if it is whole.

Phones append a film to the image (motion photos); some cameras leave the end marker out. A file that was cut may have
an end marker, a film or zeros behind the cut. Decoders fill the rows that are missing with gray, or decode the film as
rows, both without an error.
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

from sfd2_ros.core.errors import ImageError
from sfd2_ros.core.streams import STDERR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"

_START_OF_IMAGE, _START_OF_SCAN, _END_OF_IMAGE = 0xD8, 0xDA, 0xD9
"""Markers (ITU-T T.81, table B.1)."""
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
# In the data of a scan FF is followed by 00; FF D0 to FF D7 are restart markers within it.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# No decoder takes all of these for the same pixels; none holds an FF.
_FILLINGS = (b"\x55" * 64, b"\xaa" * 64, b"\xfe" * 64)
_FILM_MARK = -1
"""Yielded in place of a marker where a film begins."""
# Not tuned; any bytes that are no zeros and hold no FF would do.
_MIXED_FILLING = b"\x00\x37\xc5\x6a\x9b\x14\xe8\xd3" * 8
_FILM = b"ftyp"
"""The kind of the first box of a film (ISO/IEC 14496-12, 4.3)."""
_FILM_LENGTH_BYTES = 4
"""A box begins with its length (ISO/IEC 14496-12, 4.2)."""
_MOST_ZEROS = 2
"""Zero bytes that the data of an image may end in; more only in images of a single colour. Not tuned."""
_CORNER = 4
"""Last columns and rows, pixels, half a block; where data run out, libjpeg continues with the last colour."""
_redirecting = threading.Lock()


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (h, w) of the first image, or None where no frame header is found."""
    for marker, place in _segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
            return int(height), int(width)
    return None


def decode_jpeg(data: bytes, name: str) -> NDArray[np.uint8] | None:
    """Decode the first image of a JPEG file as OpenCV decodes it unchanged.

    A cut before an end marker is looked for where the image ends in one colour, and in progressive files; this takes a
    second decoding. A cut before bytes that are neither a marker, a film nor zeros is not detected.

    Args:
        data: content of the file.
        name: what to call it in an error.

    Returns:
        (H, W) or (H, W, 3) BGR as stored; None where there is no image.

    Raises:
        ImageError: a part of the image is missing.
        cv2.error: OpenCV cannot decode it.
    """
    end, has_end, is_progressive = _first_image(data)
    cut = ImageError(f"image {name!r} is a JPEG that ends too early; copy it again")
    if not has_end:
        whole = _decode_without_end(data[:end])
        if whole is None:
            raise cut
        return whole
    decoded: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        return None
    corner = decoded[-_CORNER:, -_CORNER:]
    if is_progressive or np.all(corner == corner[-1, -1]):
        with _quiet_stderr():
            filled = _decode(_filled(data[:end].rstrip(b"\xff"), _MIXED_FILLING))
        if filled is None or not np.array_equal(filled, decoded):
            raise cut
    return decoded


def _decode_without_end(data: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG file that lacks its end marker.

    It is decoded with different fillings before an end marker: they show where the data of the image run out.
    """
    data = data.rstrip(b"\xff")  # the first byte of a marker, or of a value that is cut
    content = data.rstrip(b"\x00")
    data = content + b"\x00" * min(_MOST_ZEROS, len(data) - len(content))
    with _quiet_stderr():
        picture, *others = (_decode(_filled(data, filling)) for filling in (b"", *_FILLINGS))
    is_whole = picture is not None and all(one is not None and np.array_equal(picture, one) for one in others)
    return picture if is_whole else None


def _filled(data: bytes, filling: bytes) -> bytes:
    """Put a filling and an end marker behind the data of an image, and the filling once more behind a restart marker.

    A decoder that waits for the next restart marker passes over all that stands before it.
    """
    last = (_RESTART.findall(data) or [b"\xff\xd7"])[-1]
    restart = bytes([0xFF, 0xD0 + (last[1] - 0xD0 + 1) % 8])
    return data + filling + (restart + filling if filling else b"") + JPEG_END


def _first_image(data: bytes) -> tuple[int, bool, bool]:
    """Return where the data of the first image end, whether its end marker stands there, and whether it is progressive.

    Without an end marker, they end before a film or another image, or with the file.
    """
    is_progressive = False
    try:
        for marker, place in _segments(data):
            is_progressive |= marker in _PROGRESSIVE
            if marker in (_END_OF_IMAGE, _START_OF_IMAGE):
                return data.rindex(b"\xff", 0, place), marker == _END_OF_IMAGE, is_progressive
            if marker == _FILM_MARK:
                return place, False, is_progressive
    except struct.error:  # a segment is cut
        pass
    return len(data), False, is_progressive


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker and the place after it, up to the end marker, a film, another image or the end of the data."""
    place = 2
    while (place := data.find(b"\xff", place)) >= 0:
        while data[place : place + 1] == b"\xff":
            place += 1
        if place >= len(data):
            return
        marker = data[place]
        place += 1
        yield marker, place
        if marker in (_END_OF_IMAGE, _START_OF_IMAGE):
            return
        if marker in _WITHOUT_LENGTH or marker == 0:
            continue
        (length,) = struct.unpack_from(">H", data, place)
        place += length
        if marker == _START_OF_SCAN:
            found = _MARKER_AFTER_SCAN.search(data, place)
            film = data.find(_FILM, place, len(data) if found is None else found.start())
            if film >= 0:
                yield _FILM_MARK, film - _FILM_LENGTH_BYTES
            if found is None or film >= 0:
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
