# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages to RGB arrays.

OpenCV converts the common encodings of 8 and 16 bits, NV12, NV21, NV24 and I420; the library rosbags-image the others.
"""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.image_header import declared_size
from sfd2_ros.features.images import decode_image as decode_image_file
from sfd2_ros.features.images import to_8_bits

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
# The same patterns with two bytes a value.
DEEP_ENCODINGS = {
    "mono16": "mono8",
    **{f"{order}16": f"{order}8" for order in ("rgb", "bgr", "rgba", "bgra")},
    **{f"bayer_{pattern}16": f"bayer_{pattern}8" for pattern in ("rggb", "bggr", "gbrg", "grbg")},
}
# encoding: (rows of chroma a row of brightness, OpenCV's conversion). NV24 has a pair a pixel, the others one for four.
# ROS names the first three; drivers of video call the others so.
SEMIPLANAR_ENCODINGS: dict[str, tuple[float, int]] = {
    "nv12": (0.5, cv2.COLOR_YUV2RGB_NV12),
    "nv21": (0.5, cv2.COLOR_YUV2RGB_NV21),
    "nv24": (2.0, cv2.COLOR_YUV2RGB_NV12),
    "i420": (0.5, cv2.COLOR_YUV2RGB_I420),
    "yuv420p": (0.5, cv2.COLOR_YUV2RGB_I420),
    "yv12": (0.5, cv2.COLOR_YUV2RGB_YV12),
}
_PLANAR_ENCODINGS = {"i420", "yuv420p", "yv12"}
"""Of these, the chroma has two planes of half the width: padded rows of them would have another layout."""
JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG"


def image_size(message: Any, *, is_compressed: bool) -> tuple[int, int]:
    """Return (h, w) of an image message without decoding it, to be compared with its camera_info first.

    Args:
        message: sensor_msgs/Image, or sensor_msgs/CompressedImage.
        is_compressed: which of the two it is.

    Raises:
        ImageError: no size, or data that cannot be an image of that size.
    """
    if not is_compressed:
        if message.encoding not in SEMIPLANAR_ENCODINGS:
            _rows(message)
        return int(message.height), int(message.width)
    data = _compressed_data(message)
    size = declared_size(data)
    if size is None:
        raise ImageError(
            f"compressed image with format {message.format!r} is no image, or a damaged one: no size in it"
        )
    return size


def decode_image(message: Any) -> NDArray[np.uint8]:
    """Decode a sensor_msgs/Image.

    Args:
        message: any encoding of 8 or 16 bits that has a meaning as colour or grey; 16 bits are scaled by the bits in
            use, see `features.images.to_8_bits`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: no size, a step shorter than a row, data that do not fill step x height, an encoding that is not
            known.
    """
    if message.encoding in SEMIPLANAR_ENCODINGS:
        return _decode_semiplanar(message)
    rows = _rows(message)
    encoding = DEEP_ENCODINGS.get(message.encoding, message.encoding)
    if encoding not in PLAIN_ENCODINGS:
        return _decode_by_library(message, rows)
    channels, conversion = PLAIN_ENCODINGS[encoding]
    is_deep = encoding != message.encoding
    needed = message.width * channels * (2 if is_deep else 1)
    if message.step < needed:
        raise ImageError(
            f"image of {message.width} pixels and encoding {message.encoding!r} has step {message.step}; "
            f"a row takes at least {needed} bytes; correct the driver"
        )
    packed = np.ascontiguousarray(rows[:, :needed])
    if is_deep:
        deep = packed.view(">u2" if message.is_bigendian else "<u2")
        packed = to_8_bits(deep.reshape(message.height, message.width, channels))
    pixels = packed.reshape(message.height, message.width, channels)
    if conversion is None:
        return pixels
    rgb: NDArray[np.uint8] = cv2.cvtColor(pixels, conversion).astype(np.uint8, copy=False)
    return rgb


def decode_compressed_image(message: Any) -> NDArray[np.uint8]:
    """Decode a sensor_msgs/CompressedImage that holds a JPEG or PNG file, as image_transport's "compressed" sends.

    Returns:
        (H, W, 3) uint8 RGB, rows as the sensor gave them: an EXIF orientation is not applied, for the intrinsics
        know nothing of it.

    Raises:
        ImageError: data that are no such file, or end before the file does.
    """
    data = _compressed_data(message)
    return decode_image_file(data, f"{message.format} of {len(data)} bytes")


def _compressed_data(message: Any) -> bytes:
    data = bytes(message.data)
    if not data.startswith((JPEG_START, PNG_START)):
        raise ImageError(
            f"compressed image with format {message.format!r} starts with {data[:4]!r}; JPEG and PNG are understood"
        )
    return data


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


def _decode_semiplanar(message: Any) -> NDArray[np.uint8]:
    """Decode a plane of brightness and, below it, one of pairs of chroma.

    Drivers disagree about the step: the length of a row of brightness, or all data divided by the height.
    """
    height, width, encoding = int(message.height), int(message.width), message.encoding
    chroma_rows, conversion = SEMIPLANAR_ENCODINGS[encoding]
    data = np.frombuffer(message.data, dtype=np.uint8)
    if height < 1 or width < 1 or (chroma_rows < 1 and (height % 2 or width % 2)):
        raise ImageError(f"image encoding {encoding!r} has size {width}x{height}; both must be positive and even")
    rows = round(height * (1 + chroma_rows))
    is_padded = message.step >= width and len(data) == message.step * rows and encoding not in _PLANAR_ENCODINGS
    stride = message.step if is_padded else width
    if len(data) != stride * rows:
        raise ImageError(
            f"image {width}x{height} with encoding {encoding!r} and step {message.step} has {len(data)} bytes; "
            f"{width * rows} are needed, or {rows} rows of the step"
        )
    packed = np.ascontiguousarray(data.reshape(rows, stride)[:, :width])
    if chroma_rows > 1:  # to NV12 of twice the size, of which each second pixel is the image
        bright = packed[:height].repeat(2, axis=0).repeat(2, axis=1)
        chroma = packed[height:].reshape(height, 2 * width)
        doubled = cv2.cvtColor(np.concatenate([bright, chroma]), conversion)
        return np.ascontiguousarray(doubled[::2, ::2])
    rgb: NDArray[np.uint8] = cv2.cvtColor(packed, conversion).astype(np.uint8, copy=False)
    return rgb


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
