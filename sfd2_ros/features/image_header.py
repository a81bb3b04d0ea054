# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the header of an image file declares: its size, read before anything is allocated for its pixels."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.jpeg import JPEG_START, jpeg_size

if TYPE_CHECKING:
    from collections.abc import Iterator

Size = tuple[int, int]

MAX_IMAGE_PIXELS = 2**28
"""More than any camera has (the largest phone sensors have 200 million); a file of 16 bytes can declare 4 billion."""

PNG_START = b"\x89PNG\r\n\x1a\n"
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_ORIENTATION = 256, 257, 274
_TIFF_SHORT, _TIFF_LONG = 3, 4
_NETPBM = re.compile(rb"P[1-6](?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)")


def declared_size(data: bytes) -> Size | None:
    """Return (h, w) as the header of an image file declares it.

    Args:
        data: content of a JPEG, PNG, TIFF, WebP, BMP or NetPBM file, or of anything else.

    Returns:
        None for another format, and for a header that is damaged.
    """
    for start, read in _READERS:
        if data.startswith(start):
            try:
                return read(data)
            except (struct.error, IndexError):  # the header is cut
                return None
    return None


def check_size(size: Size, name: str) -> None:
    """Reject an image that is too large to be one of a camera.

    Raises:
        ImageError: names both sizes.
    """
    height, width = size
    if height * width > MAX_IMAGE_PIXELS:
        raise ImageError(
            f"image {name!r} declares {width}x{height} pixels; at most {MAX_IMAGE_PIXELS // 10**6} million are read; "
            "is the file damaged?"
        )


def without_orientation(data: bytes) -> bytes:
    """Return a TIFF file whose orientation is the usual one, so that decoders leave the rows as stored."""
    try:
        for tag, kind, place, order in _tiff_entries(data):
            if tag == _TIFF_ORIENTATION and kind == _TIFF_SHORT:
                return data[:place] + struct.pack(f"{order}H", 1) + data[place + 2 :]
    except struct.error:  # the directory is cut; the decoder says so
        pass
    return data


def _png_size(data: bytes) -> Size | None:
    width, height = struct.unpack_from(">II", data, 16)
    return (height, width) if data[12:16] == b"IHDR" else None


def _bmp_size(data: bytes) -> Size:
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(height), abs(width)  # a negative height: the first row comes first


def _webp_size(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[27:30], "little"), 1 + int.from_bytes(data[24:27], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    return None


def _netpbm_size(data: bytes) -> Size | None:
    found = _NETPBM.match(data[:1024])
    return (int(found[2]), int(found[1])) if found else None


def _tiff_size(data: bytes) -> Size | None:
    values = {}
    for tag, kind, place, order in _tiff_entries(data):
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in (_TIFF_SHORT, _TIFF_LONG):
            (values[tag],) = struct.unpack_from(f"{order}{'H' if kind == _TIFF_SHORT else 'I'}", data, place)
    return (values[_TIFF_HEIGHT], values[_TIFF_WIDTH]) if len(values) == 2 else None


def _tiff_entries(data: bytes) -> Iterator[tuple[int, int, int, str]]:
    """Yield tag, type, place of the value, and byte order of each entry of the first directory."""
    if not data.startswith((b"II*\0", b"MM\0*")):  # BigTIFF, or none
        return
    order = "<" if data[:1] == b"I" else ">"
    (directory,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, directory)
    for start in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, start)
        yield tag, kind, start + 8, order


_READERS = (
    (JPEG_START, jpeg_size),
    (PNG_START, _png_size),
    (b"II", _tiff_size),
    (b"MM", _tiff_size),
    (b"BM", _bmp_size),
    (b"RIFF", _webp_size),
    (b"P", _netpbm_size),
)
