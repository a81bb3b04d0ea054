# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages to RGB arrays.

OpenCV converts the common 8-bit encodings; the library rosbags-image converts the others.
"""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.images import decode_image as decode_image_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

# encoding: (bytes a pixel, OpenCV's conversion to RGB or None). OpenCV names Bayer patterns by the second row's
# second and third pixel, ROS by the first row's first two.
PLAIN_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
}
JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG"


def decode_image(message: Any) -> NDArray[np.uint8]:
    """Decode a sensor_msgs/Image.

    Args:
        message: any encoding of 8 or 16 bits that has a meaning as colour or grey.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: no size, a step shorter than a row, data that do not fill step x height, an encoding that is not
            known.
    """
    rows = _rows(message)
    if message.encoding not in PLAIN_ENCODINGS:
        return _decode_by_library(message, rows)
    depth, conversion = PLAIN_ENCODINGS[message.encoding]
    needed = message.width * depth
    if message.step < needed:
        raise ImageError(
            f"image of {message.width} pixels and encoding {message.encoding!r} has step {message.step}; "
            f"a row takes at least {needed} bytes; mend the driver"
        )
    pixels = rows[:, :needed].reshape(message.height, message.width, depth)
    if conversion is None:
        return np.ascontiguousarray(pixels)
    rgb: NDArray[np.uint8] = cv2.cvtColor(np.ascontiguousarray(pixels), conversion).astype(np.uint8, copy=False)
    return rgb


def decode_compressed_image(message: Any) -> NDArray[np.uint8]:
    """Decode a sensor_msgs/CompressedImage that holds a JPEG or PNG file, as image_transport's "compressed" sends.

    Returns:
        (H, W, 3) uint8 RGB, rows as the sensor gave them: an EXIF orientation is not applied, for the intrinsics
        know nothing of it.

    Raises:
        ImageError: data that are no such file, or end before the file does.
    """
    data = bytes(message.data)
    if not data.startswith((JPEG_START, PNG_START)):
        raise ImageError(
            f"compressed image with format {message.format!r} starts with {data[:4]!r}; JPEG and PNG are understood"
        )
    return decode_image_file(data, f"{message.format} of {len(data)} bytes")


def _rows(message: Any) -> NDArray[np.uint8]:
    """Return the data as (height, step) bytes without copying."""
    if message.height < 1 or message.width < 1:
        raise ImageError(f"image has size {message.width}x{message.height}; both must be positive")
    data = np.frombuffer(message.data, dtype=np.uint8)
    if len(data) != message.step * message.height:
        raise ImageError(
            f"image {message.width}x{message.height} with step {message.step} has {len(data)} bytes; step x height is "
            f"{message.step * message.height}; the message was truncated, or its driver sets a wrong step"
        )
    return data.reshape(message.height, message.step)


def _decode_by_library(message: Any, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decode an uncommon encoding; the library raises errors of several kinds, which become ImageError."""
    if re.fullmatch(r"(8|16|32|64)[USF]C?\d*", message.encoding):  # 32FC1, 16UC1: mostly depth, and never a colour
        raise ImageError(f"image encoding {message.encoding!r} has no colours; set the driver to rgb8, bgr8 or mono8")
    try:
        rgb = np.asarray(_decode_by_rosbags(message, rows))
    except Exception as err:
        known = ", ".join(PLAIN_ENCODINGS)
        raise ImageError(
            f"image encoding {message.encoding!r} cannot be turned into RGB ({err}); known: {known}, and what "
            "rosbags-image converts"
        ) from err
    if rgb.shape != (message.height, message.width, 3) or rgb.dtype != np.uint8:
        raise ImageError(f"image encoding {message.encoding!r} decodes to {rgb.dtype} {rgb.shape}, not to RGB")
    return np.ascontiguousarray(rgb)


def _decode_by_rosbags(message: Any, rows: NDArray[np.uint8]) -> Any:
    """Decode with rosbags-image, which takes rows to be packed, so padding is cut away first."""
    from rosbags.image import message_to_cvimage  # noqa: PLC0415  only uncommon encodings need it
    from rosbags.image.image import to_cvtype  # noqa: PLC0415

    bits, _, _, channels = to_cvtype(message.encoding)
    needed = message.width * channels * bits // 8
    if message.step < needed:
        raise ImageError(f"step {message.step} is shorter than a row of {needed} bytes")
    packed = types.SimpleNamespace(
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        is_bigendian=message.is_bigendian,
        data=np.ascontiguousarray(rows[:, :needed]).ravel(),
    )
    return message_to_cvimage(packed, "rgb8")  # type: ignore[arg-type]  # has the fields of an Image
