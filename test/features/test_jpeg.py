# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""JPEG files with films behind them, without an end marker, and cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.images import decode_image

END = b"\xff\xd9"


def encoded(suffix: str, *parameters: int, shape: tuple[int, ...] = (48, 64, 3), seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return cv2.imencode(suffix, noise, list(parameters))[1].tobytes()


JPEGS = {
    "baseline": encoded(".jpg"),
    "progressive": encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": encoded(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "gray": encoded(".jpg", shape=(31, 45)),
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize(
    "trailer", [b"\xff\xda\x00", b"\x00" * 99, b"\xff" * 9, b"\xff\xd8\xff\xda", b"ftypmp42\xff\xda" * 50]
)
def test_what_follows_the_picture_of_a_motion_photo_is_passed_over(kind: str, trailer: bytes) -> None:
    np.testing.assert_array_equal(decode_image(JPEGS[kind] + trailer, "a"), decode_image(JPEGS[kind], "a"))


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("instead", [b"", b"\xff", b"\x00" * 40])
def test_a_jpeg_without_end_marker_is_read_when_its_picture_is_whole(
    kind: str, instead: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert JPEGS[kind].endswith(END)
    data = JPEGS[kind][:-2] + instead
    np.testing.assert_array_equal(decode_image(data, "a"), decode_image(JPEGS[kind], "a"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("end", [b"", END[:1]])
def test_a_jpeg_that_lacks_a_part_of_its_picture_is_rejected(
    kind: str, end: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    data = JPEGS[kind][:-2]
    for cut in (1, 2, 3, 7, 50, 500, len(data) - 20):
        with pytest.raises(ImageError, match="'a' is a JPEG that ends too early"):
            decode_image(data[:-cut] + end, "a")
    assert capfd.readouterr().err == ""


FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40
BEHIND = {
    "end marker": END,
    "end marker and film": END + FILM,
    "film": FILM,
    "film with an end marker": FILM + END,
    "zeros of a file that was not written to its end": bytes(20_000),
    "another image": JPEGS["baseline"],
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("behind", BEHIND)
def test_a_jpeg_that_is_cut_is_rejected_whatever_stands_behind_it(kind: str, behind: str) -> None:
    data = JPEGS[kind][:-2]
    for share in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9):
        with pytest.raises(ImageError, match="'a' is a JPEG that ends too early"):
            decode_image(data[: round(share * len(data))] + BEHIND[behind], "a")


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("behind", BEHIND)
def test_a_whole_jpeg_is_read_whatever_stands_behind_it(kind: str, behind: str) -> None:
    whole = decode_image(JPEGS[kind], "a")
    np.testing.assert_array_equal(decode_image(JPEGS[kind][:-2] + BEHIND[behind], "a"), whole)
    np.testing.assert_array_equal(decode_image(JPEGS[kind] + BEHIND[behind], "a"), whole)


@pytest.mark.parametrize("parameters", [(), (cv2.IMWRITE_JPEG_OPTIMIZE, 1), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_a_whole_jpeg_that_ends_in_one_colour_is_read(level: int, parameters: tuple[int, ...]) -> None:
    image = np.full((64, 80, 3), level, np.uint8)
    for rows in (0, 24):
        image[:rows] = np.random.default_rng(0).integers(0, 256, (rows, 80, 3), np.uint8)
        read = decode_image(cv2.imencode(".jpg", image, list(parameters))[1].tobytes(), "a")
        assert np.all(read[-16:] == level)
