# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.image_messages import decode_compressed_image, decode_image, image_size
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
    with pytest.raises(ImageError, match="step 51; a row takes at least 102"):
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


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("is_bigendian", [0, 1])
def test_sixteen_bit_grey_is_scaled_by_the_bits_in_use(rgb: np.ndarray, bits: int, is_bigendian: int) -> None:
    grey = np.clip(rgb[..., 0].astype(int) * 2, 0, 255)
    deep = np.round(grey / 255 * (2**bits - 1)).astype(">u2" if is_bigendian else "<u2")
    decoded = decode_image(image_message(deep, "mono16", padding=6, is_bigendian=is_bigendian))
    assert np.abs(decoded[..., 0].astype(int) - grey).max() <= 1


@pytest.mark.parametrize("encoding", ["bayer_rggb", "bayer_bggr", "bayer_gbrg", "bayer_grbg", "rgb", "bgra"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colours_are_those_of_eight_bits_scaled_by_the_bits_in_use(
    rgb: np.ndarray, encoding: str, bits: int
) -> None:
    channels = {"rgb": [0, 1, 2], "bgra": [2, 1, 0, 0]}.get(encoding, 0)
    pixels = rgb[..., channels].copy()
    pixels[0, 0] = 255
    deep = np.round(pixels / 255.0 * (2**bits - 1)).astype("<u2")
    if encoding == "bgra":
        deep[..., 3] = 65535  # opaque, and no colour
    decoded = decode_image(image_message(deep, f"{encoding}16", padding=4)).astype(int)
    expected = decode_image(image_message(pixels, f"{encoding}8"))
    assert np.abs(decoded - expected).max() <= 1


def yuv_planes(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return brightness and chroma by BT.601 with its narrow range, the definition that cameras follow."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    y, u, v = (np.clip(np.round(plane), 0, 255).astype(np.uint8) for plane in (luma, u, v))
    return y, u, v


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
@pytest.mark.parametrize("layout", ["step of a row", "step of everything", "padded"])
def test_semiplanar_yuv_gives_back_the_colours(rgb: np.ndarray, encoding: str, layout: str) -> None:
    colours = rgb[:36, :50]
    y, u, v = yuv_planes(colours)
    if encoding != "nv24":
        u, v = u[::2, ::2], v[::2, ::2]
    chroma = np.stack([v, u] if encoding == "nv21" else [u, v], axis=-1)
    planes = np.concatenate([y.ravel(), chroma.ravel()]).reshape(-1, 50)
    if layout == "padded":
        planes = np.pad(planes, ((0, 0), (0, 14)), constant_values=99)
    message = image_message(planes, encoding)
    message.height, message.width = 36, 50
    if layout == "step of everything":
        message.step = len(message.data) // 36
    decoded = decode_image(message).astype(int)
    assert decoded.shape == (36, 50, 3)
    assert np.abs(decoded - colours)[1:-1, 1:-1].max() <= 8


@pytest.mark.parametrize("encoding", ["i420", "yuv420p", "yv12"])
def test_planar_yuv_gives_back_the_colours(rgb: np.ndarray, encoding: str) -> None:
    colours = rgb[:36, :50]
    y, u, v = yuv_planes(colours)
    chroma = [v[::2, ::2], u[::2, ::2]] if encoding == "yv12" else [u[::2, ::2], v[::2, ::2]]
    message = image_message(np.concatenate([y.ravel(), *(plane.ravel() for plane in chroma)]).reshape(-1, 50), encoding)
    message.height, message.width = 36, 50
    assert image_size(message, is_compressed=False) == (36, 50)
    assert np.abs(decode_image(message).astype(int) - colours)[1:-1, 1:-1].max() <= 8
    message.data, message.step = bytes(64 * 54), 64
    with pytest.raises(ImageError, match=f"encoding '{encoding}' and step 64 has 3456 bytes; 2700 are needed"):
        decode_image(message)


def test_semiplanar_yuv_that_is_cut_is_refused_by_name() -> None:
    message = image_message(np.zeros((54, 50), np.uint8), "nv12")
    message.height, message.data = 36, message.data[:-1]
    with pytest.raises(ImageError, match="encoding 'nv12' and step 50 has 2699 bytes; 2700 are needed"):
        decode_image(message)


def test_the_size_of_a_message_is_known_before_it_is_decoded(rgb: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = {
        extension: compressed_message(cv2.imencode(extension, rgb)[1].tobytes()) for extension in (".jpg", ".png")
    }
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert image_size(image_message(rgb, "rgb8"), is_compressed=False) == (37, 51)
    for message in messages.values():
        assert image_size(message, is_compressed=True) == (37, 51)
    with pytest.raises(ImageError, match="is no image, or a damaged one"):
        image_size(compressed_message(b"\xff\xd8" + bytes(50)), is_compressed=True)
    with pytest.raises(ImageError, match="JPEG and PNG are understood"):
        image_size(compressed_message(bytes(50)), is_compressed=True)


def test_a_compressed_image_of_a_few_bytes_never_takes_memory_for_the_pixels_it_declares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    header = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="declares 65535x65535 pixels"):
        decode_compressed_image(compressed_message(header))
