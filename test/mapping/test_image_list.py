# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of names with intrinsics, as hloc's queries have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.core.types import Camera
from sfd2_ros.mapping.image_list import read_image_list, read_query_list


def _list(folder: Path, text: str) -> Path:
    (folder / "list.txt").write_text(text, encoding="utf-8")
    return folder / "list.txt"


def test_intrinsics_behind_the_names_are_read_with_colmaps_pixel_centre(tmp_path: Path) -> None:
    listed = read_query_list(
        _list(
            tmp_path,
            "\ufeff# queries\n a.png PINHOLE 64 48 60.5 61 32 24\r\nb/c d.png SIMPLE_RADIAL 64 48 60.5 32 24 -1e-2\n",
        )
    )
    assert listed.names == ["a.png", "b/c d.png"]
    assert listed.cameras["a.png"] == Camera(64, 48, 60.5, 61, 31.5, 23.5)
    assert listed.cameras["b/c d.png"] == Camera(64, 48, 60.5, 60.5, 31.5, 23.5, "plumb_bob", (-0.01, 0, 0, 0))


@pytest.mark.parametrize("name", ["PINHOLE 64 48.png", "my PINHOLE camera 1.png", "PINHOLE", "a.png"])
def test_names_that_look_like_intrinsics_are_names(tmp_path: Path, name: str) -> None:
    listed = read_query_list(_list(tmp_path, name))
    assert (listed.names, listed.cameras) == ([name], {})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.png PINHOLE 64 48 60 60 32", r"list.txt:2: .*takes 4 parameters, got 3"),
        ("a.png PINHOLE 64 48 0 60 32 24", r"list.txt:2: .*must be positive"),
        ("a.png EQUIRECTANGULAR 64 48", r"list.txt:2: .*not supported"),
    ],
)
def test_intrinsics_that_cannot_be_used_are_refused_by_their_line(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        read_query_list(_list(tmp_path, f"b.png PINHOLE 64 48 60 60 32 24\n{line}\n"))


@pytest.mark.parametrize(
    ("behind", "reason"),
    [
        ("PINHOLE 64 48 60,5 60.5 32 24", "'60,5' has a decimal comma; write a decimal point"),
        ("PINHOLE 64 48 60.5 60.5 32 x", "parameter 'x' is no number"),
        ("PINHOL 64 48 60.5 60.5 32 24", "'PINHOL' is no camera model of COLMAP; PINHOLE"),
        ("pinhole 64 48 60.5 60.5 32 24", "'pinhole' is no camera model of COLMAP; PINHOLE"),
        ("PINHOLE 64.0 48.0 60.5 60.5 32 24", "size '64.0' is no whole number"),
        ("PINHOLE 64", "width and height are missing"),
        ("PINHOLE 64 48 60.5 60.5 32 24 # x", "parameter '#' is no number"),
        ("# x", "'#' is no camera model"),
    ],
)
def test_mistyped_intrinsics_are_no_name(tmp_path: Path, behind: str, reason: str) -> None:
    for name in ("a.png", "my b/c d.JPG"):
        with pytest.raises(SceneError, match=rf"list.txt:2: .*{reason}.*behind '{name}', MODEL width height params"):
            read_query_list(_list(tmp_path, f"# queries\n{name} {behind}\n"))


def test_intrinsics_of_some_images_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"gives intrinsics of 1 images and none of 1: b.png; give all or none"):
        read_query_list(_list(tmp_path, "a.png PINHOLE 64 48 60 60 32 24\nb.png\n"))


def test_intrinsics_are_never_dropped_where_they_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="gives intrinsics, which come from elsewhere here"):
        read_image_list(_list(tmp_path, "a.png PINHOLE 64 48 60 60 32 24\n"))
