# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads images as they lie on the sensor: RGB, 8 bit, never rotated by what EXIF says.

Intrinsics and COLMAP models refer to the pixels as stored: COLMAP ignores EXIF's orientation, and so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".pgm", ".ppm")
"""Endings, in small or capital letters, that `list_images` takes for images."""

_REMEDY = "give an image in " + ", ".join(suffix[1:] for suffix in IMAGE_SUFFIXES)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file.

    Gray becomes three equal channels; 16 bits are divided by 257, not stretched; what is transparent becomes black.

    Returns:
        (H, W, 3) uint8 RGB, rows and columns as stored.

    Raises:
        ImageError: there is no such file, or it is no image, a damaged one, or one of floating-point numbers.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise ImageError(f"cannot read image {str(path)!r}: {err.strerror or err}; {_REMEDY}") from err
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of an image file; like `read_image`.

    Args:
        data: content of a JPEG, PNG, WebP, TIFF, ... file.
        name: what to call it in an error.
    """
    if not data:
        raise ImageError(f"image {name!r} is empty; copy it again, or {_REMEDY}")
    if data.startswith(_JPEG_START) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        # OpenCV 4.6 fills the missing part with gray and returns it as an image; 4.11 and 5 refuse.
        raise ImageError(f"image {name!r} is a JPEG that ends too early; copy it again")
    try:
        # Unchanged is the only mode that neither rotates by EXIF nor drops the transparency unseen.
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as err:
        raise ImageError(f"image {name!r} cannot be decoded: {err.err}; {_REMEDY}") from err
    if pixels is None or pixels.size == 0:
        raise ImageError(f"{name!r} is no image, or a damaged one; {_REMEDY}")
    return _to_rgb(pixels, name)


def list_images(folder: Path) -> list[str]:
    """Return the names of the images in a folder and the folders in it.

    Returns:
        Paths relative to `folder` with forward slashes, sorted; hidden files are left out.

    Raises:
        ImageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise ImageError(f"image folder {str(folder)!r} is no folder; name a folder with images")
    relative = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    names = sorted(path.as_posix() for path in relative if not any(part.startswith(".") for part in path.parts))
    if not names:
        endings = ", ".join(IMAGE_SUFFIXES)
        raise ImageError(f"no images in {str(folder)!r}; files ending in {endings} are looked for, in subfolders too")
    return names


def _to_rgb(pixels: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
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
