# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.images import decode_image, list_images, read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTATION_TAG = 0x112


def smooth_rgb() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:30, 0:48]
    return np.dstack([x * 5, y * 8, 255 - x * 5]).astype(np.uint8)


def write(path: Path, rgb: NDArray[np.generic], parameters: tuple[int, ...] = ()) -> Path:
    stored = rgb if rgb.ndim == 2 else rgb[:, :, [2, 1, 0, 3][: rgb.shape[2]]]
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(stored), list(parameters))
    return path


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp", ".ppm"])
def test_lossless_images_are_read_exactly_as_rgb(suffix: str, tmp_path: Path) -> None:
    image = read_image(write(tmp_path / f"a{suffix}", smooth_rgb()))
    np.testing.assert_array_equal(image, smooth_rgb())
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_compressed_images_are_read_as_rgb(suffix: str, tmp_path: Path) -> None:
    image = read_image(write(tmp_path / f"a{suffix}", smooth_rgb())).astype(int)
    assert np.abs(image - smooth_rgb()).mean() < 4


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".pgm"])
def test_gray_becomes_three_equal_channels(suffix: str, tmp_path: Path) -> None:
    image = read_image(write(tmp_path / f"a{suffix}", smooth_rgb()[:, :, 1]))
    assert image.shape == (30, 48, 3)
    assert (image == image[:, :, :1]).all()


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_by_their_range_not_stretched(suffix: str, tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257, 32768, 65407, 65535]], np.uint16).repeat(4, 0)
    image = read_image(write(tmp_path / f"a{suffix}", deep))
    assert image[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255, 255]


def test_what_is_transparent_becomes_black(tmp_path: Path) -> None:
    alpha = np.zeros((30, 48, 1), np.uint8)
    alpha[:, 10:], alpha[:, 20:] = 128, 255
    image = read_image(write(tmp_path / "a.png", np.dstack([smooth_rgb(), alpha])))
    assert (image[:, :10] == 0).all()
    np.testing.assert_allclose(image[:, 10:20].astype(int), smooth_rgb()[:, 10:20] * (128 / 255), atol=1)
    np.testing.assert_array_equal(image[:, 20:], smooth_rgb()[:, 20:])


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, ORIENTATION_TAG, 3, 1, orientation, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_in_exif_does_not_rotate(orientation: int) -> None:
    jpeg = cv2.imencode(".jpg", smooth_rgb())[1].tobytes()
    turned = with_orientation(jpeg, orientation)
    np.testing.assert_array_equal(decode_image(turned, "a"), decode_image(jpeg, "a"))
    # The tag is one that OpenCV heeds unless told otherwise: the test above could fail.
    heeded = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)
    assert not np.array_equal(heeded[:, :, ::-1], decode_image(jpeg, "a"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_truncated_image_is_refused_by_name(share: float, suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    path = write(tmp_path / f"a{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImageError, match=f"a{suffix}"):
        read_image(path)


@pytest.mark.parametrize("data", [b"text", b"\x00" * 100, b"\xff\xd8\xff", b"%PDF-1.4", b"GIF89a"])
def test_what_is_no_image_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(ImageError, match="'name'"):
        decode_image(data, "name")


def test_image_of_floating_point_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="float32"):
        read_image(write(tmp_path / "a.tiff", np.ones((9, 9), np.float32)))


def test_missing_image_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="cannot read image"):
        read_image(tmp_path)


def test_images_are_listed_in_subfolders_sorted_with_forward_slashes(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/10.jpg", "a.png", "c/d/e.tif", "b.jpg", "notes.txt", ".hidden.jpg", ".dir/x.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert list_images(tmp_path) == ["a.png", "b.jpg", "b/10.jpg", "b/2.JPG", "c/d/e.tif"]


def test_folder_without_images_or_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ImageError, match="no images in"):
        list_images(tmp_path)
    with pytest.raises(ImageError, match="is no folder"):
        list_images(tmp_path / "notes.txt")
