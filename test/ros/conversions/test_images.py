# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.image_messages import decode_compressed_image, decode_image
from sfd2_ros.core.errors import ImageError


def image_message(pixels: np.ndarray, encoding: str, *, padding: int = 0, is_bigendian: int = 0) -> Any:
    """Return an object with the fields of sensor_msgs/Image; rows get `padding` bytes that are no pixels."""
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    padded = np.concatenate([rows, np.full((len(rows), padding), 173, np.uint8)], axis=1)
    return SimpleNamespace(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=padded.shape[1],
        data=padded.tobytes(),
    )


def compressed_message(data: bytes, format_: str = "rgb8; jpeg compressed bgr8") -> Any:
    return SimpleNamespace(format=format_, data=data)


@pytest.fixture
def rgb() -> np.ndarray:
    """Return a smooth colour picture with odd sides, so that bayer and chroma subsampling keep it."""
    y, x = np.mgrid[0:37, 0:51]
    return np.stack([40 + 3 * x, 30 + 4 * y, 200 - 2 * x - y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("padding", [0, 13])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", [0, 1, 2]), ("bgr8", [2, 1, 0]), ("rgba8", [0, 1, 2, 0]), ("bgra8", [2, 1, 0, 0])],
)
def test_colour_encodings_give_rgb_whatever_the_step(
    rgb: np.ndarray, encoding: str, channels: list[int], padding: int
) -> None:
    decoded = decode_image(image_message(rgb[..., channels], encoding, padding=padding))
    np.testing.assert_array_equal(decoded, rgb)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_becomes_three_equal_channels(rgb: np.ndarray, encoding: str) -> None:
    decoded = decode_image(image_message(rgb[..., 0], encoding, padding=3))
    np.testing.assert_array_equal(decoded, np.repeat(rgb[..., :1], 3, axis=2))


@pytest.mark.parametrize(
    ("encoding", "pattern"),
    [
        ("bayer_rggb8", [[0, 1], [1, 2]]),
        ("bayer_bggr8", [[2, 1], [1, 0]]),
        ("bayer_gbrg8", [[1, 2], [0, 1]]),
        ("bayer_grbg8", [[1, 0], [2, 1]]),
    ],
)
def test_bayer_patterns_give_back_the_colours(rgb: np.ndarray, encoding: str, pattern: list[list[int]]) -> None:
    mosaic = np.empty(rgb.shape[:2], np.uint8)
    for row in (0, 1):
        for column in (0, 1):
            mosaic[row::2, column::2] = rgb[row::2, column::2, pattern[row][column]]
    decoded = decode_image(image_message(mosaic, encoding, padding=5)).astype(int)
    assert np.abs(decoded - rgb)[2:-2, 2:-2].max() <= 4


@pytest.mark.parametrize("is_bigendian", [0, 1])
def test_sixteen_bit_grey_keeps_its_upper_bits_in_either_byte_order(rgb: np.ndarray, is_bigendian: int) -> None:
    deep = (rgb[..., 0].astype(np.uint16) * 257).astype(">u2" if is_bigendian else "<u2")
    decoded = decode_image(image_message(deep, "mono16", padding=6, is_bigendian=is_bigendian))
    assert np.abs(decoded[..., 0].astype(int) - rgb[..., 0]).max() <= 1


def test_yuv_is_decoded_by_the_library(rgb: np.ndarray) -> None:
    grey = np.stack([np.full((6, 8), 128, np.uint8), np.tile(np.arange(8, dtype=np.uint8) * 20 + 40, (6, 1))], axis=-1)
    decoded = decode_image(image_message(grey, "yuv422", padding=4)).astype(int)  # U or V, then Y
    assert np.ptp(decoded, axis=2).max() <= 2
    assert np.all(np.diff(decoded[..., 1], axis=1) > 10)


@pytest.mark.parametrize("encoding", ["32FC1", "8UC3", "rgb9", "", "nv12"])
def test_encodings_without_a_meaning_as_colour_are_refused_by_name(rgb: np.ndarray, encoding: str) -> None:
    pixels = rgb.astype(np.float32)[..., 0] if encoding == "32FC1" else rgb
    with pytest.raises(ImageError, match=f"encoding '{encoding}'"):
        decode_image(image_message(pixels, encoding))


def test_truncated_data_are_refused_with_both_sizes(rgb: np.ndarray) -> None:
    message = image_message(rgb, "rgb8")
    message.data = message.data[:-100]
    with pytest.raises(ImageError, match=r"5561 bytes; step x height is 5661"):
        decode_image(message)


def test_step_shorter_than_a_row_is_refused(rgb: np.ndarray) -> None:
    message = image_message(rgb[..., 0], "mono8")
    message.encoding = "rgb8"
    with pytest.raises(ImageError, match="step 51; a row takes at least 153"):
        decode_image(message)
    message.encoding = "mono16"
    with pytest.raises(ImageError, match="step 51 is shorter than a row of 102"):
        decode_image(message)


@pytest.mark.parametrize("field", ["height", "width"])
def test_image_without_size_is_refused(rgb: np.ndarray, field: str) -> None:
    message = image_message(rgb, "rgb8")
    setattr(message, field, 0)
    with pytest.raises(ImageError, match="must be positive"):
        decode_image(message)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_compressed_images_give_rgb(rgb: np.ndarray, extension: str) -> None:
    data = cv2.imencode(extension, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 99])[1].tobytes()
    decoded = decode_compressed_image(compressed_message(data))
    assert np.abs(decoded.astype(int) - rgb).max() <= (0 if extension == ".png" else 8)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_truncated_compressed_image_is_refused(extension: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = cv2.imencode(extension, noise)[1].tobytes()
    with pytest.raises(ImageError, match=r"ends too early|damaged"):
        decode_compressed_image(compressed_message(data[: len(data) // 2]))


def test_compressed_depth_and_noise_are_refused() -> None:
    with pytest.raises(ImageError, match="JPEG and PNG are understood"):
        decode_compressed_image(compressed_message(b"\x00\x00\x00\x00\x12\x34", "16UC1; compressedDepth"))
    with pytest.raises(ImageError, match="no image"):
        decode_compressed_image(compressed_message(b"\xff\xd8" + bytes(50) + b"\xff\xd9"))
