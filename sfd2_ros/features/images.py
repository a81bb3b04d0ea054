# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads images as they lie on the sensor: RGB, 8 bit, never rotated by what EXIF says.

Intrinsics and COLMAP models refer to the pixels as stored: COLMAP ignores EXIF's orientation, and so does this.
"""

from __future__ import annotations

import logging
import stat
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError, OutputError
from sfd2_ros.core.files import is_utf8, write_bytes
from sfd2_ros.features.image_header import check_size, declared_size, without_orientation
from sfd2_ros.features.jpeg import JPEG_START, decode_jpeg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LOGGER = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".pgm", ".ppm")
"""Endings, in small or capital letters, that `list_images` takes for images."""

UNREAD_SUFFIXES = (
    *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".gif", ".jfif", ".jpe", ".exr", ".hdr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"),
)
"""Endings of images that `list_images` passes over and names."""

_BITS_IN_USE = (8, 10, 12, 14, 16)
"""Of the values in a 16-bit container: what sensors and converters have."""

_BRIGHTER_SHARE = 1e-4
"""Of the values, that may be larger than the bits in use: hot pixels. Not tuned."""

_SHOWN = 5
"""Names in one message."""

_REMEDY = "give an image in " + ", ".join(suffix[1:] for suffix in IMAGE_SUFFIXES)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file.

    Gray becomes three equal channels; 16 bits are scaled by the bits in use, see `to_8_bits`; what is transparent
    becomes black.

    Returns:
        (H, W, 3) uint8 RGB, rows and columns as stored.

    Raises:
        ImageError: there is no such file, or it is no regular file, no image, a damaged one, one of floating-point
            numbers, or larger than any camera's.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may never end
            raise ImageError(f"cannot read image {str(path)!r}: no regular file; {_REMEDY}")
        data = path.read_bytes()
    except OSError as err:
        raise ImageError(f"cannot read image {str(path)!r}: {err.strerror or err}; {_REMEDY}") from err
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of an image file to (H, W, 3) uint8 RGB, like `read_image`.

    Args:
        data: content of a JPEG, PNG, WebP, TIFF, ... file.
        name: what to call it in an error.
    """
    if not data:
        raise ImageError(f"image {name!r} is empty; copy it again, or {_REMEDY}")
    size = declared_size(data)
    if size is not None:
        check_size(size, name)
    try:
        if data.startswith(JPEG_START):
            pixels = decode_jpeg(data, name)
        else:
            # Unchanged is the only mode that neither rotates by EXIF nor drops the transparency unseen.
            pixels = cv2.imdecode(np.frombuffer(without_orientation(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as err:
        raise ImageError(f"image {name!r} cannot be decoded: {err.err}; {_REMEDY}") from err
    if pixels is None or pixels.size == 0:
        raise ImageError(f"{name!r} is no image, or a damaged one; {_REMEDY}")
    return _to_rgb(pixels, name)


def write_image(path: Path, pixels: NDArray[Any], options: Sequence[int] = ()) -> None:
    """Write an image in the block of an atomic folder; unlike OpenCV's writer, report a full disk.

    Args:
        path: its suffix says the format; the folder is made when missing.
        pixels: (H, W) or (H, W, 3) BGR, as OpenCV takes them.
        options: of cv2.imencode.

    Raises:
        OutputError: it cannot be written.
    """
    is_encoded, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(pixels), list(options))
    if not is_encoded:
        raise OutputError(f"{str(path)!r} cannot be written: OpenCV does not encode such an image as {path.suffix}")
    write_bytes(path, encoded.tobytes())


def list_images(folder: Path) -> list[str]:
    """Return the names of the images in a folder and the folders in it, those behind links too.

    What looks like an image and is none that can be read is left out with a warning: other formats, pipes and devices,
    names that are not UTF-8.

    Returns:
        Paths relative to `folder` with forward slashes, sorted; hidden files are left out.

    Raises:
        ImageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise ImageError(f"image folder {str(folder)!r} is no folder; name a folder with images")
    names, passed_over = [], []
    for path in _files_below(folder):
        problem = _problem(path, folder)
        if problem is not None:
            passed_over.append(f"{str(path.relative_to(folder))!r} {problem}")
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            names.append(path.relative_to(folder).as_posix())
    shown = (
        f"{'; '.join(passed_over[:_SHOWN])}{f'; and {more} more' if (more := len(passed_over) - _SHOWN) > 0 else ''}"
    )
    if not names:
        endings = ", ".join(IMAGE_SUFFIXES)
        left_out = f"; left out: {shown}" if passed_over else ""
        raise ImageError(
            f"no images in {str(folder)!r}; files ending in {endings} are looked for, in subfolders too{left_out}"
        )
    if passed_over:
        LOGGER.warning("%d files in %r are left out: %s", len(passed_over), str(folder), shown)
    return sorted(names)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that are not hidden; each folder is entered once, and by its own name first."""
    entered: set[tuple[int, int]] = set()
    waiting: list[Path] = [folder]
    links: list[Path] = []
    while waiting or links:
        current = waiting.pop() if waiting else links.pop(0)
        place = current.stat()
        if (place.st_dev, place.st_ino) in entered:
            continue
        entered.add((place.st_dev, place.st_ino))
        try:
            paths = sorted(path for path in current.iterdir() if not path.name.startswith("."))
        except PermissionError:
            LOGGER.warning("folder %r may not be read and is left out", str(current))
            continue
        for path in paths:
            if not path.is_dir():
                yield path
            else:
                (links if path.is_symlink() else waiting).append(path)


def _problem(path: Path, folder: Path) -> str | None:
    """Return why a file that looks like an image cannot be read as one, or None."""
    suffix = path.suffix.lower()
    if suffix in UNREAD_SUFFIXES:
        return f"is of a format that is not read; convert it to one of {', '.join(IMAGE_SUFFIXES)}"
    if suffix not in IMAGE_SUFFIXES:
        return None
    if not is_utf8(str(path.relative_to(folder))):
        return "has a name that is not UTF-8; rename it"
    return None if path.is_file() else "is a pipe, a device or a broken link"


def to_8_bits(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Scale 16-bit values by the bits in use: the fewest of 8, 10, 12, 14 and 16 that hold all but a few values.

    Sensors of 10 and 12 bits come in containers of 16, where they would be nearly black if taken for 16 bits. One value
    in 10,000 may be larger (hot pixels) and becomes 255. Sensors of 9, 11, 13 and 15 bits come out at half their
    brightness.

    Args:
        pixels: (H, W) or (H, W, C); of four channels, the last is transparency, which is scaled by itself.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return np.concatenate([to_8_bits(pixels[..., :3]), to_8_bits(pixels[..., 3:])], axis=2)
    allowed = int(_BRIGHTER_SHARE * pixels.size)
    full = next(2**bits - 1 for bits in _BITS_IN_USE if np.count_nonzero(pixels > 2**bits - 1) <= allowed)
    values = np.minimum(pixels, full).astype(np.uint32)
    shallow: NDArray[np.uint8] = ((values * 255 + full // 2) // full).astype(np.uint8)
    return shallow


def _to_rgb(pixels: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = to_8_bits(pixels.astype(np.uint16, copy=False))
    if pixels.dtype != np.uint8:
        raise ImageError(f"image {name!r} has pixels of type {pixels.dtype}; 8 or 16 bits, unsigned, are read")
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    if channels not in (3, 4):
        raise ImageError(f"image {name!r} has {channels} channels; gray, RGB and RGB with transparency are read")
    rgb = np.ascontiguousarray(pixels[:, :, 2::-1])
    if channels == 4:
        opacity = pixels[:, :, 3:].astype(np.uint16)
        rgb = ((rgb * opacity + 127) // 255).astype(np.uint8)
    return rgb
