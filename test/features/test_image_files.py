# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files as phones, cameras and people leave them: films behind pictures, turned TIFFs, deep pixels, links, pipes."""

from __future__ import annotations

import logging
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.full_disk import room_for

from sfd2_ros.core.errors import ImageError, OutputError
from sfd2_ros.features.image_header import MAX_IMAGE_PIXELS, declared_size
from sfd2_ros.features.images import decode_image, list_images, read_image, write_image


def encoded(suffix: str, *parameters: int, shape: tuple[int, ...] = (48, 64, 3), seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return cv2.imencode(suffix, noise, list(parameters))[1].tobytes()


def tiff_with_orientation(pixels: np.ndarray, orientation: int, order: str) -> bytes:
    """Return a gray TIFF without compression, one strip."""
    height, width = pixels.shape
    kinds = {"H": 3, "I": 4}
    entries: list[tuple[int, str, int]] = [
        (256, "I", width),
        (257, "I", height),
        (258, "H", 8),
        (259, "H", 1),
        (262, "H", 1),
        (273, "I", 8),
        (274, "H", orientation),
        (277, "H", 1),
        (278, "I", height),
        (279, "I", height * width),
    ]
    directory = struct.pack(f"{order}H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack(f"{order}HHI", tag, kinds[kind], 1) + struct.pack(f"{order}{kind}", value).ljust(
            4, b"\0"
        )
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + pixels.size)
    return start + pixels.tobytes() + directory + b"\0" * 4


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff_does_not_turn_it(orientation: int, order: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40), np.uint8)
    image = decode_image(tiff_with_orientation(pixels, orientation, order), "a")
    np.testing.assert_array_equal(image[..., 0], pixels)


@pytest.mark.parametrize(("bits", "suffix"), [(8, ".png"), (10, ".png"), (12, ".tiff"), (14, ".pgm"), (16, ".png")])
def test_deep_pixels_are_scaled_by_the_bits_in_use(bits: int, suffix: str, tmp_path: Path) -> None:
    shallow = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    shallow[0, :2] = 0, 255
    deep = np.round(shallow / 255 * (2**bits - 1)).astype(np.uint16)
    assert cv2.imwrite(str(tmp_path / f"a{suffix}"), deep)
    image = read_image(tmp_path / f"a{suffix}")
    assert np.abs(image[..., 0].astype(int) - shallow).max() <= 1


@pytest.mark.parametrize("odd", [1030, 4095, 65535])
def test_a_few_pixels_that_are_too_bright_do_not_darken_a_deep_image(odd: int) -> None:
    shallow = np.random.default_rng(0).integers(0, 250, (150, 200), np.uint8)
    deep = np.round(shallow / 255 * 1023).astype(np.uint16)
    deep[7, 9] = odd
    image = decode_image(cv2.imencode(".png", deep)[1].tobytes(), "a")[..., 0]
    assert image[7, 9] == 255
    image[7, 9] = shallow[7, 9]
    assert np.abs(image.astype(int) - shallow).max() <= 1


@pytest.mark.parametrize("opaque", [1023, 65535])
def test_the_transparency_of_a_deep_image_does_not_count_as_a_colour(opaque: int) -> None:
    shallow = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    shallow[0, 0] = 255
    deep = np.dstack([np.round(shallow / 255 * 1023), np.full((20, 30), opaque)]).astype(np.uint16)
    deep[5, 5, 3] = 0
    image = decode_image(cv2.imencode(".png", deep)[1].tobytes(), "a")[..., ::-1]
    assert np.all(image[5, 5] == 0)
    shallow[5, 5] = 0
    assert np.abs(image.astype(int) - shallow).max() <= 1


HUGE = 60_000
TINY_FILES = {
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08"
    + struct.pack(">HH", HUGE, HUGE)
    + b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", HUGE, HUGE) + b"\x08\x02\x00\x00\x00",
    "bmp": b"BM" + bytes(16) + struct.pack("<ii", HUGE, -HUGE) + b"\x01\x00\x18\x00" + bytes(24),
    "ppm": b"P6 # a\n# b\n%d %d\n255\n" % (HUGE, HUGE),
    "tiff": tiff_with_orientation(np.zeros((1, 1), np.uint8), 1, "<"),
}
TINY_FILES["tiff"] = (
    TINY_FILES["tiff"]
    .replace(b"\x00\x01\x04\x00\x01\x00\x00\x00\x01\x00", b"\x00\x01\x04\x00\x01\x00\x00\x00\x60\xea")
    .replace(b"\x01\x01\x04\x00\x01\x00\x00\x00\x01\x00", b"\x01\x01\x04\x00\x01\x00\x00\x00\x60\xea")
)


@pytest.mark.parametrize("kind", TINY_FILES)
def test_a_file_that_declares_more_pixels_than_any_camera_has_is_rejected_before_it_is_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert declared_size(TINY_FILES[kind]) == (HUGE, HUGE)
    assert HUGE * HUGE > MAX_IMAGE_PIXELS
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="'a' declares 60000x60000 pixels; at most 268 million"):
        decode_image(TINY_FILES[kind], "a")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".ppm", ".pgm", ".tiff", ".webp"])
def test_the_declared_size_is_that_of_the_pixels(suffix: str) -> None:
    shape = (37, 51) if suffix == ".pgm" else (37, 51, 3)
    assert declared_size(encoded(suffix, shape=shape)) == (37, 51)
    for share in range(0, 40, 3):  # cut headers have none, and raise nothing
        declared_size(encoded(suffix, shape=shape)[:share])


@pytest.mark.parametrize("quality", [50, 101])
def test_the_declared_size_of_both_kinds_of_webp(quality: int) -> None:
    assert declared_size(encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, quality, shape=(37, 51, 3))) == (37, 51)
    assert declared_size(encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, quality, shape=(37, 51, 4))) == (37, 51)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the images a/0.png and 1.png."""
    (tmp_path / "images" / "a").mkdir(parents=True)
    for name in ("a/0.png", "1.png"):
        (tmp_path / "images" / name).write_bytes(encoded(".png"))
    return tmp_path / "images"


def test_folders_behind_links_are_entered(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "2.png").write_bytes(encoded(".png"))
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert list_images(folder) == ["1.png", "a/0.png", "link/deep/2.png"]


def test_links_in_a_loop_or_to_the_same_folder_give_each_image_once_by_its_own_name(folder: Path) -> None:
    (folder / "a" / "up").symlink_to(folder)
    (folder / "A").symlink_to(folder / "a")
    (folder / "self").symlink_to("self")
    assert list_images(folder) == ["1.png", "a/0.png"]


def test_a_folder_whose_name_looks_like_an_image_is_a_folder(folder: Path) -> None:
    (folder / "b.jpg").mkdir()
    (folder / "b.jpg" / "2.png").write_bytes(encoded(".png"))
    assert list_images(folder) == ["1.png", "a/0.png", "b.jpg/2.png"]


def _leave(kind: str) -> Callable[[Path], None]:
    return {
        "heic": lambda folder: (folder / "IMG_1.HEIC").write_bytes(b"photograph"),
        "raw": lambda folder: (folder / "IMG_1.dng").write_bytes(b"photograph"),
        "pipe": lambda folder: os.mkfifo(folder / "IMG_1.jpg"),
        "broken link": lambda folder: (folder / "IMG_1.jpg").symlink_to("nowhere"),
        "UTF-8": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/IMG_1\xff.jpg")).write_bytes(encoded(".jpg")),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("heic", "IMG_1.HEIC' is of a format that is not read"),
        ("raw", "IMG_1.dng' is of a format that is not read"),
        ("pipe", "IMG_1.jpg' is a pipe"),
        ("broken link", "IMG_1.jpg' is a pipe, a device or a broken link"),
        ("UTF-8", r"IMG_1\udcff.jpg' has a name that is not UTF-8; rename it"),
    ],
)
def test_what_looks_like_an_image_and_cannot_be_read_is_left_out_and_named(
    folder: Path, kind: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    _leave(kind)(folder)
    with caplog.at_level(logging.WARNING):
        assert list_images(folder) == ["1.png", "a/0.png"]
    assert [says in record.getMessage() for record in caplog.records] == [True]


def test_the_name_of_the_folder_itself_need_not_be_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/images\xff"))
    folder.mkdir()
    (folder / "1.png").write_bytes(encoded(".png"))
    assert list_images(folder) == ["1.png"]
    assert read_image(folder / "1.png").shape == (48, 64, 3)


def test_a_folder_with_unread_formats_alone_says_so(tmp_path: Path) -> None:
    for index in range(7):
        (tmp_path / f"IMG_{index}.heic").write_bytes(b"photograph")
    with pytest.raises(ImageError, match=r"no images in .*left out: 'IMG_0.heic' is of a format.*; and 2 more"):
        list_images(tmp_path)


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    errors: list[str] = []

    def read() -> None:
        try:
            read_image(tmp_path / "a.jpg")
        except ImageError as err:
            errors.append(str(err))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(10.0)
    assert not reading.is_alive()
    assert "no regular file" in errors[0]


def test_an_image_that_a_full_disk_cuts_off_is_reported(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    with room_for(1000), pytest.raises(OutputError, match=r"a\.png': File too large; free some space"):
        write_image(tmp_path / "a.png", noise)
