# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP text models as people and programs write them: read whole, or rejected by file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.errors import SceneError
from sfd2_ros.mapping.colmap_io import posed_images, read_model

CAMERAS = "1 PINHOLE 64 48 60.5 60.5 32 24\n"
IMAGES = [f"{i} 1 0 0 0 -{i}.5 0 0 1 {i}.png" for i in range(1, 5)]
KEYPOINTS = "10.5 20.5 7 30 40 -1"
POINT = "7 1.0 2.0 3.0 10 20 30 0.5 1 0 2 0\n"


def _model(folder: Path, *, cameras: str = CAMERAS, images: str | None = None, points: str = "") -> Path:
    (folder / "cameras.txt").write_text(cameras, encoding="utf-8")
    (folder / "images.txt").write_text("\n\n".join([*IMAGES, ""]) if images is None else images, encoding="utf-8")
    (folder / "points3D.txt").write_text(points, encoding="utf-8")
    return folder


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\n# a comment\n", "\n  \n"])
def test_all_images_are_read_whatever_stands_between_them(tmp_path: Path, count: int, between: str) -> None:
    images = between.join(IMAGES[:count])
    found = posed_images(read_model(_model(tmp_path, images=images)))
    assert [image.name for image in found] == [f"{i}.png" for i in range(1, count + 1)]
    assert [image.cam_from_world[0, 3] for image in found] == [-i - 0.5 for i in range(1, count + 1)]


def test_lines_of_keypoints_may_be_missing_for_some_images_only(tmp_path: Path) -> None:
    images = "\n".join([IMAGES[0], KEYPOINTS, IMAGES[1], KEYPOINTS, IMAGES[2], IMAGES[3], ""])
    model = read_model(_model(tmp_path, images=images, points=POINT))
    assert [len(model.image(i).points2D) for i in range(1, 5)] == [2, 2, 0, 0]
    np.testing.assert_allclose(model.image(1).points2D[0].xy, [10.5, 20.5])
    assert model.image(2).points2D[0].point3D_id == 7
    assert not model.image(2).points2D[1].has_point3D()


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, name: str) -> None:
    _model(tmp_path)
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(posed_images(read_model(tmp_path))) == 4


@pytest.mark.parametrize("name", ["a b.png", "a  b/ü c.png", "2 3", "5", "1 2 3.png"])
def test_names_are_read_to_the_end_of_the_line(tmp_path: Path, name: str) -> None:
    images = f"1 1 0 0 0 0 0 0 1 {name}\n2 1 0 0 0 0 0 0 1 x.png\n"
    assert [image.name for image in posed_images(read_model(_model(tmp_path, images=images)))] == [name, "x.png"]


IMAGE_ERRORS = [
    ("1 1 0 0 0 0 0 0 1", r"line 1: 9 fields, IMAGE_ID QW"),
    ("1 1 0 0 0 0,5 0 0 1 a.png", r"line 1: pose '0,5' has a decimal comma"),
    ("1 1 0 0 0 nan 0 0 1 a.png", r"line 1: pose is nan; a finite number"),
    ("1 1 0 0 0 1e999 0 0 1 a.png", r"line 1: pose is 1e999; a finite number"),
    ("1 1 0 0 0 1_0 0 0 1 a.png", r"line 1: pose '1_0' is no number"),
    ("1 1 0 0 0 x 0 0 1 a.png", r"line 1: pose 'x' is no number"),
    ("1 0 0 0 0 0 0 0 1 a.png", r"line 1: the pose of image 'a.png' is no pose: quaternion 0 0 0 0 has length 0"),
    ("1 3 1 0 0 0 0 0 1 a.png", r"line 1: the pose of image 'a.png' is no pose: quaternion 3 1 0 0 has length 3.16"),
    ("-1 1 0 0 0 0 0 0 1 a.png", r"line 1: image id '-1' is no whole number from 0"),
    ("1.0 1 0 0 0 0 0 0 1 a.png", r"line 1: image id '1.0' is no whole number"),
    ("4294967295 1 0 0 0 0 0 0 1 a.png", r"line 1: image id '4294967295' is no whole number"),
    ("1 1 0 0 0 0 0 0 -1 a.png", r"line 1: camera id '-1' is no whole number"),
    ("1 1 0 0 0 0 0 0 9 a.png", r"line 1: camera 9 of image 'a.png' is not in cameras.txt"),
    ("1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0 0 0 1 a.png", r"line 3: image name a.png stands twice, on lines 1 and 3"),
    ("1 1 0 0 0 0 0 0 1 a.png\n\n\n1 1 0 0 0 0 0 0 1 b.png", r"line 4: image id 1 stands twice, on lines 1 and 4"),
    ("1 1 0 0 0 0 0 0 1 a.png\n10 20", r"line 2: 2 fields are no keypoints .* and no image"),
    ("1 1 0 0 0 0 0 0 1 a.png\n10 20 1.5", r"line 2: point id '1.5' is no whole number"),
    ("1 1 0 0 0 0 0 0 1 a.png\n10 inf -1", r"line 2: keypoint is inf"),
    ("1 1 0 0 0 0 0 0 1 a.png\n\n10 20 -1", r"line 3: 3 fields, IMAGE_ID QW .* after each image"),
    ("1,1,0,0,0,0,0,0,1,a.png", r"line 1: 1 fields, IMAGE_ID QW"),
]


@pytest.mark.parametrize(("images", "reason"), IMAGE_ERRORS)
def test_what_is_wrong_in_images_is_named_by_line(tmp_path: Path, images: str, reason: str) -> None:
    with pytest.raises(SceneError, match=rf"images.txt', {reason}") as raised:
        read_model(_model(tmp_path, images=images))
    assert "Check failed" not in str(raised.value)


CAMERA_ERRORS = [
    ("# only\n1 PINHOLE 64 48 60,5 60,5 32 24", r"line 2: camera parameter '60,5' has a decimal comma"),
    ("1 PINHOLE 64 48 60.5 32 24", r"line 1: 3 parameters, PINHOLE takes 4: fx, fy, cx, cy"),
    ("1 PINHOLE 64", r"line 1: 3 fields, CAMERA_ID MODEL"),
    ("1 PINHOL 64 48 60.5 60.5 32 24", r"line 1: camera model 'PINHOL' is none of COLMAP's"),
    ("1 INVALID 64 48", r"line 1: camera model 'INVALID'"),
    ("1 PINHOLE 64.5 48 60.5 60.5 32 24", r"line 1: image size '64.5' is no whole number"),
    ("1 PINHOLE 0 48 60.5 60.5 32 24", r"line 1: width, height and focal length must be greater than 0"),
    ("1 PINHOLE 64 48 -60.5 60.5 32 24", r"line 1: width, height and focal length must be greater than 0"),
    ("1 PINHOLE 64 48 nan 60.5 32 24", r"line 1: camera parameter is nan"),
    ("-1 PINHOLE 64 48 60 60 32 24", r"line 1: camera id '-1' is no whole number"),
    (CAMERAS + CAMERAS, r"line 2: camera id 1 stands twice, on lines 1 and 2"),
]


@pytest.mark.parametrize(("cameras", "reason"), CAMERA_ERRORS)
def test_what_is_wrong_in_cameras_is_named_by_line(tmp_path: Path, cameras: str, reason: str) -> None:
    with pytest.raises(SceneError, match=rf"cameras.txt', {reason}"):
        read_model(_model(tmp_path, cameras=cameras))


POINT_ERRORS = [
    ("7 1 2 3 10 20 30 0.5 1", r"line 1: 9 fields, POINT3D_ID"),
    ("7 1 2 3 10 20 256 0.5 1 0", r"line 1: colour '256' is no whole number from 0 to 255"),
    ("7 1 2 nan 10 20 30 0.5 1 0", r"line 1: position is nan"),
    ("7 1 2 3 10 20 30 0.5 9 0", r"line 1: its track has image 9, which is not in images.txt"),
    ("7 1 2 3 10 20 30 0.5 1 2", r"line 1: its track has keypoint 2 of image 1, which has 2 keypoints"),
    (POINT + POINT, r"line 2: point id 7 stands twice, on lines 1 and 2"),
    (POINT + "8" + POINT[1:], r"line 2: keypoint 0 of image 1 stands in two tracks, lines 1, 2"),
]


@pytest.mark.parametrize(("points", "reason"), POINT_ERRORS)
def test_what_is_wrong_in_points_is_named_by_line(tmp_path: Path, points: str, reason: str) -> None:
    images = "\n".join([IMAGES[0], KEYPOINTS, IMAGES[1], KEYPOINTS, ""])
    with pytest.raises(SceneError, match=rf"points3D.txt', {reason}"):
        read_model(_model(tmp_path, images=images, points=points))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, ending: str) -> None:
    folder = _model(tmp_path, images="1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0 0 0 1 b.png\n\n")
    for path in folder.glob("*.txt"):
        path.write_bytes(path.read_text().replace("\n", ending).encode())
    assert [image.name for image in posed_images(read_model(folder))] == ["a.png", "b.png"]


def test_utf_16_without_a_byte_order_mark_is_called_so(tmp_path: Path) -> None:
    folder = _model(tmp_path)
    (folder / "images.txt").write_bytes("1 1 0 0 0 0 0 0 1 a.png\n".encode("utf-16-le"))
    with pytest.raises(SceneError, match=r"images.txt' holds zero bytes; is it in UTF-16\?"):
        read_model(folder)


def test_other_encodings_are_rejected_by_line(tmp_path: Path) -> None:
    _model(tmp_path)
    (tmp_path / "images.txt").write_bytes(f"{IMAGES[0]}\n\n2 1 0 0 0 0 0 0 1 ü.png\n".encode("latin-1"))
    with pytest.raises(SceneError, match=r"images.txt', line 3: not in UTF-8"):
        read_model(tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    (_model(tmp_path) / "points3D.txt").unlink()
    with pytest.raises(SceneError, match=r"holds no COLMAP model.*; points3D are missing"):
        read_model(tmp_path)
