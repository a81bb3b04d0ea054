# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Focal lengths out of EXIF, where structure from motion starts."""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pycolmap
import pytest

from sfd2_ros.mapping.intrinsics import doubts, starting_cameras

FOCAL_LENGTH_IN_35MM_FILM = 0xA405


def _photograph(path: Path, focal_length_mm: int | None) -> None:
    """Write a photograph of 96x64 pixels with an EXIF focal length in 35 mm film."""
    jpeg = cv2.imencode(".jpg", np.full((64, 96, 3), 128, np.uint8))[1].tobytes()
    exif = b""
    if focal_length_mm is not None:
        pointer = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
        entry = struct.pack("<HHHIHHI", 1, FOCAL_LENGTH_IN_35MM_FILM, 3, 1, focal_length_mm, 0, 0)
        content = b"Exif\x00\x00II*\x00" + struct.pack("<I", 8) + pointer + entry
        exif = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    path.write_bytes(jpeg[:2] + exif + jpeg[2:])


@pytest.mark.parametrize("focal_length_mm", [1, 5, 2000, 65535])
def test_a_focal_length_that_no_camera_has_is_passed_over_and_named(
    tmp_path: Path, focal_length_mm: int, caplog: pytest.LogCaptureFixture
) -> None:
    _photograph(tmp_path / "without.jpg", None)
    _photograph(tmp_path / "a.jpg", focal_length_mm)
    with caplog.at_level(logging.WARNING):
        without, camera, _ = starting_cameras(["without.jpg", "a.jpg", "a.jpg"], tmp_path, None)
    assert camera.params[0] == without.params[0] == pytest.approx(1.2 * 96)
    assert camera.has_prior_focal_length is False
    (record,) = caplog.records
    assert "EXIF's focal length of 2 images is no camera's and is not used; the first: " in record.getMessage()
    assert "a.jpg', " in record.getMessage()


@pytest.mark.parametrize("focal_length_mm", [8, 35, 1000])
def test_a_focal_length_of_a_camera_is_where_the_search_starts(
    tmp_path: Path, focal_length_mm: int, caplog: pytest.LogCaptureFixture
) -> None:
    _photograph(tmp_path / "a.jpg", focal_length_mm)
    (camera,) = starting_cameras(["a.jpg"], tmp_path, None)
    assert camera.params[0] == pytest.approx(focal_length_mm / 35 * 96, rel=0.05)
    assert caplog.records == []


def test_a_focal_length_of_zero_means_unknown(tmp_path: Path) -> None:
    _photograph(tmp_path / "a.jpg", 0)
    (camera,) = starting_cameras(["a.jpg"], tmp_path, None)
    assert camera.params[0] == pytest.approx(1.2 * 96)


@pytest.mark.parametrize(
    ("mapped", "params", "found"),
    [
        (12, [190.7, 192, 144, -0.3], []),
        (6, [190.7, 192, 144, 0.0], []),
        (3, [190.7, 192, 144, 0.0], ["only 3 of 12 images could be mapped"]),
        (12, [471, 192, 144, -1.14], ["the refined intrinsics are those of no usual camera (471"]),
        (12, [20, 192, 144, 0.0], ["the refined intrinsics are those of no usual camera (20"]),
    ],
)
def test_a_map_of_few_images_or_with_intrinsics_of_no_camera_is_doubted(
    mapped: int, params: list[float], found: list[str]
) -> None:
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=384, height=288, params=params, camera_id=1)
    reconstruction = SimpleNamespace(num_reg_images=lambda: mapped, cameras={1: camera})
    said = doubts(reconstruction, 12)
    assert len(said) == len(found)
    assert all(one.startswith(start) for one, start in zip(said, found, strict=True))
