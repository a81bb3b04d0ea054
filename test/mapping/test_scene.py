# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scene folders and lists of names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.colmap_io import write_posed_model
from sfd2_ros.mapping.image_list import read_image_list
from sfd2_ros.mapping.model_places import is_scene
from sfd2_ros.mapping.scene import check_image_files, find_list, load_scene

CAMERA = Camera(640, 480, 500, 500, 319.5, 239.5)
NAMES = ["0.png", "a b/1.png", "2.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scene = tmp_path / "scene"
    for part in ("images", "sparse"):
        (scene / part).mkdir(parents=True)
    images = [PosedImage(name, CAMERA, rigid(np.eye(3), [i, 0, 0])) for i, name in enumerate(NAMES)]
    write_posed_model(scene / "sparse", images)
    return scene


def test_a_scene_is_read_with_its_poses(folder: Path) -> None:
    assert is_scene(folder)
    scene = load_scene(folder)
    assert sorted(scene.images) == sorted(NAMES)
    assert scene.images["2.png"].cam_from_world[0, 3] == 2
    assert scene.camera_of("unknown.png") == CAMERA


def test_a_model_in_a_numbered_folder_is_found(folder: Path) -> None:
    (folder / "model").mkdir()
    shutil.move(folder / "sparse", folder / "model" / "0")
    (folder / "model").rename(folder / "sparse")
    assert sorted(load_scene(folder).images) == sorted(NAMES)


@pytest.mark.parametrize(
    "place", ["sparse/0", "colmap/sparse/0", "colmap/sparse", "dense/sparse", "dense/0/sparse", "."]
)
def test_a_model_in_a_usual_place_is_found(folder: Path, place: str) -> None:
    (folder / "sparse").rename(folder / "model")
    (folder / place).mkdir(parents=True, exist_ok=True)
    for file in (folder / "model").iterdir():
        file.rename(folder / place / file.name)
    assert is_scene(folder)
    scene = load_scene(folder)
    assert (sorted(scene.images), scene.image_folder) == (sorted(NAMES), folder / "images")


@pytest.mark.parametrize("place", ["dense", "colmap"])
def test_undistorted_images_beside_their_model_belong_to_it(folder: Path, place: str) -> None:
    (folder / place / "images").mkdir(parents=True)
    (folder / "sparse").rename(folder / place / "sparse")
    assert load_scene(folder).image_folder == folder / place / "images"


def test_of_several_models_that_in_sparse_is_read(folder: Path) -> None:
    for place in ("dense", "colmap"):
        shutil.copytree(folder / "sparse", folder / place / "sparse")
    write_posed_model(folder / "sparse", [PosedImage("only.png", CAMERA, np.eye(4))])
    assert sorted(load_scene(folder).images) == ["only.png"]


@pytest.mark.parametrize("places", [("sparse/0", "sparse/1"), ("dense/sparse", "colmap/sparse/0")])
def test_models_with_frames_of_their_own_are_rejected_by_name(folder: Path, places: tuple[str, str]) -> None:
    (folder / "sparse").rename(folder / "model")
    for place in places:
        shutil.copytree(folder / "model", folder / place)
    with pytest.raises(SceneError, match=r"has 2 COLMAP models: .*; copy the one that is meant to sparse/"):
        load_scene(folder)


def test_a_folder_without_a_model_is_no_scene(folder: Path) -> None:
    shutil.rmtree(folder / "sparse")
    assert not is_scene(folder)


def test_lists_select_in_their_order_from_the_scene_or_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "query.txt").write_text("2.png\na b/1.png\n")
    elsewhere = tmp_path / "mine.txt"
    elsewhere.write_text("0.png")
    scene = load_scene(folder)
    assert [image.name for image in scene.select("query.txt")] == ["2.png", "a b/1.png"]
    assert [image.name for image in scene.select(str(elsewhere))] == ["0.png"]
    assert find_list(folder, "query.txt") == folder / "query.txt"


@pytest.mark.parametrize(
    "content",
    [b"0.png\n2.png\n", b"0.png\r\n2.png\r\n", b"\xef\xbb\xbf0.png\n2.png", b"# all\n\n  0.png  \n#x\n2.png\n\n"],
)
def test_lists_are_read_whatever_editor_wrote_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert read_image_list(tmp_path / "list.txt") == ["0.png", "2.png"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "names no image"),
        (b"\n# nothing\n", "names no image"),
        (b"0.png\n1.png\n0.png\n", "more than once: 0.png"),
        (b"\xff\xfe0\0.\0p\0", "cannot be read"),
    ],
)
def test_lists_that_say_nothing_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(SceneError, match=reason):
        read_image_list(tmp_path / "list.txt")


def test_a_missing_list_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(SceneError, match=r"'nosuch.txt' cannot be read: No such file"):
        load_scene(folder).select("nosuch.txt")


def test_names_without_a_pose_are_counted_and_named(folder: Path) -> None:
    (folder / "query.txt").write_text("".join(f"x{i}.png\n" for i in range(7)) + "0.png\n")
    with pytest.raises(SceneError, match=r"names 7 images that the model has no pose for: x0.png, .*, ... and 2 more"):
        load_scene(folder).select("query.txt")


def test_missing_files_are_named_all_at_once(folder: Path) -> None:
    (folder / "images" / "0.png").touch()
    (folder / "images" / "2.png").mkdir()
    with pytest.raises(SceneError, match=r"2 images are missing in .*: a b/1.png, 2.png"):
        check_image_files(folder / "images", NAMES)
    check_image_files(folder / "images", ["0.png"])
    check_image_files(folder / "images", [])


def test_several_cameras_need_a_name_that_is_known(folder: Path) -> None:
    other = Camera(320, 240, 250, 250, 160, 120)
    write_posed_model(
        folder / "sparse", [PosedImage("0.png", CAMERA, np.eye(4)), PosedImage("1.png", other, np.eye(4))]
    )
    assert load_scene(folder).camera_of("1.png") == other
    with pytest.raises(CameraError, match="2 cameras"):
        load_scene(folder).camera_of("2.png")


@pytest.mark.parametrize(
    ("part", "reason"), [("images", "has no folder images/"), ("sparse", "holds no COLMAP model"), ("", "is no folder")]
)
def test_a_scene_that_lacks_a_part_is_refused(folder: Path, part: str, reason: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(SceneError, match=reason):
        load_scene(folder)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "no image with a pose"),
        ("1 0 0 0 0 0 0 0 1 0.png\n\n", "pose of image '0.png' is no pose"),
        ("1 1 0 0 0 1e999 0 0 1 0.png\n\n", "a finite number is needed"),
        ("1 1 0 0 0 0 0 0 9 0.png\n\n", "camera 9 of image '0.png' is not in cameras.txt"),
        (
            "1 1 0 0 0 0 0 0 1 0.png\n\n2 1 0 0 0 0 0 0 1 0.png\n\n",
            "line 3: image name 0.png stands twice, on lines 1 and 3",
        ),
        ("1 1 0 0 0 0 0 0 1 0.png\n\n1 1 0 0 0 0 0 0 1 1.png\n\n", "image id 1 stands twice"),
    ],
)
def test_a_model_whose_images_cannot_be_is_refused(folder: Path, line: str, reason: str) -> None:
    (folder / "sparse" / "images.txt").write_text(line)
    with pytest.raises(SceneError, match=reason):
        load_scene(folder)


def test_a_model_with_a_camera_that_is_not_supported_is_refused(folder: Path) -> None:
    (folder / "sparse" / "cameras.txt").write_text("1 EQUIRECTANGULAR 640 480 640 480\n")
    with pytest.raises(CameraError, match="EQUIRECTANGULAR"):
        load_scene(folder)
