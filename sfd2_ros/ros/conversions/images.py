# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages to RGB arrays.

The common 8-bit encodings are read in place, so that they need neither cv_bridge nor the NumPy it was built for; the
others go through cv_bridge where ROS has it, and through the library rosbags-image elsewhere.
"""

from __future__ import annotations

import array
import re
import types
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.images import decode_image as decode_image_file
from sfd2_ros.ros import native

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sensor_msgs.msg import CompressedImage, Image
    from std_msgs.msg import Header

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


def decode_image(message: Image) -> NDArray[np.uint8]:
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


def decode_compressed_image(message: CompressedImage) -> NDArray[np.uint8]:
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


def image_message(rgb: NDArray[np.uint8], header: Header) -> Image:
    """Make a sensor_msgs/Image of (H, W, 3) uint8 RGB pixels."""
    from sensor_msgs.msg import Image  # noqa: PLC0415  reading messages works without ROS, making them does not

    data = array.array("B")  # rclpy copies this in one go, and bytes value by value
    data.frombytes(np.ascontiguousarray(rgb).tobytes())
    height, width, depth = rgb.shape
    return Image(header=header, height=height, width=width, encoding="rgb8", step=width * depth, data=data)


def _rows(message: Image) -> NDArray[np.uint8]:
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


def _decode_by_library(message: Image, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decode an uncommon encoding; both libraries raise errors of their own kinds, which become ImageError."""
    if re.fullmatch(r"(8|16|32|64)[USF]C?\d*", message.encoding):  # 32FC1, 16UC1: mostly depth, and never a colour
        raise ImageError(f"image encoding {message.encoding!r} has no colours; set the driver to rgb8, bgr8 or mono8")
    decode = _decode_by_cv_bridge if native.has("cv_bridge") else _decode_by_rosbags
    try:
        rgb = np.asarray(decode(message, rows))
    except Exception as err:
        known = ", ".join(PLAIN_ENCODINGS)
        raise ImageError(
            f"image encoding {message.encoding!r} cannot be turned into RGB ({err}); known: {known}, and what "
            f"{'cv_bridge' if decode is _decode_by_cv_bridge else 'rosbags-image'} converts"
        ) from err
    if rgb.shape != (message.height, message.width, 3) or rgb.dtype != np.uint8:
        raise ImageError(f"image encoding {message.encoding!r} decodes to {rgb.dtype} {rgb.shape}, not to RGB")
    return np.ascontiguousarray(rgb)


def _decode_by_cv_bridge(message: Image, rows: NDArray[np.uint8]) -> Any:
    del rows
    from cv_bridge import CvBridge  # noqa: PLC0415  only where ROS has it

    return CvBridge().imgmsg_to_cv2(message, "rgb8")


def _decode_by_rosbags(message: Image, rows: NDArray[np.uint8]) -> Any:
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
