# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map`: build, info, check, export, and what they refuse."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.colmap_io import write_posed_model
from sfd2_ros.mapping.manifest import FORMAT_VERSION, read_manifest, write_manifest
from sfd2_ros.mapping.scene import load_scene

Run = Callable[..., Any]


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_build_makes_a_map_and_says_what_is_in_it(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    figures = tmp_path / "new folder" / "f.json"
    said = sfd2("map", "build", painted, "-o", tmp_path / "m", "--json", figures, "--device", "cpu").succeeded()
    assert "4 of 4 images" in said
    written = json.loads(figures.read_text())
    assert (written["images"], written["images_given"], written["pairs"]) == (4, 4, 6)
    assert written["landmarks"] > 200
    assert written["reprojection_error_px"] < 1.5
    assert [image.name for image in load_map(tmp_path / "m").images] == ["0.png", "1.png", "3.png", "5.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "new folder"]


def test_two_builds_are_equal_to_the_byte(sfd2: Run, painted: Path, painted_map: Path, tmp_path: Path) -> None:
    sfd2("map", "build", painted, "-o", tmp_path / "again", "--device", "cpu").succeeded()
    one, two = load_map(painted_map), load_map(tmp_path / "again")
    assert len(one.landmarks) > 200
    for name in ("positions", "information", "descriptors", "image_offsets", "image_landmarks"):
        np.testing.assert_array_equal(getattr(one.landmarks, name), getattr(two.landmarks, name))
    np.testing.assert_array_equal(one.aggregates, two.aggregates)
    assert one.map_id == two.map_id


def test_info_tells_what_a_map_holds(sfd2: Run, painted_map: Path, tmp_path: Path) -> None:
    said = sfd2("map", "info", painted_map, "--json", tmp_path / "i.json").succeeded()
    figures = json.loads((tmp_path / "i.json").read_text())
    map_ = load_map(painted_map)
    assert figures["landmarks"] == len(map_.landmarks)
    assert figures["bytes"] == map_.size_bytes
    assert (figures["descriptor_dimension"], figures["descriptor_bits"]) == (128, 3)
    assert figures["format_version"] == FORMAT_VERSION
    assert figures["units"] == "metres"
    assert figures["weights_id"] == map_.weights_id
    for key, value in figures.items():
        assert f"{key}  {value}" in said


def test_info_of_a_map_without_provenance_says_none(sfd2: Run, painted_map: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(painted_map, copied)
    (copied / "manifest.json").unlink()
    manifest = read_manifest(painted_map)
    kept = ("frame_id", "units", "reference_pose_nees", "weights_id", "extraction", "encoding", "counts")
    write_manifest(copied, {**{name: manifest[name] for name in kept}, "provenance": {}})
    said = sfd2("map", "info", copied).succeeded()
    assert "reprojection_error_px  None" in said
    assert "program  None" in said


def test_check_finds_a_valid_map_valid(sfd2: Run, painted_map: Path) -> None:
    assert sfd2("map", "check", painted_map).succeeded() == f"{painted_map}: valid\n"


@pytest.mark.parametrize("command", ["info", "check", "export"])
def test_no_map_is_refused(sfd2: Run, tmp_path: Path, command: str) -> None:
    extra = ["-o", tmp_path / "x"] if command == "export" else []
    sfd2("map", command, tmp_path / "nowhere", *extra).refused(1, "does not exist; make one with `sfd2 map build")
    (tmp_path / "empty").mkdir()
    sfd2("map", command, tmp_path / "empty", *extra).refused(1, "is no map: it has no manifest.json")


def test_a_damaged_map_is_refused_by_name(sfd2: Run, painted_map: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(painted_map, damaged)
    content = bytearray((damaged / "landmark_positions.npy").read_bytes())
    content[500] ^= 1
    (damaged / "landmark_positions.npy").write_bytes(bytes(content))
    for command in (["check", damaged], ["export", damaged, "-o", tmp_path / "x"]):
        sfd2("map", *command).refused(1, "is damaged: landmark_positions.npy has changed; build or copy it again")
    (damaged / "landmark_positions.npy").write_bytes(b"")
    sfd2("map", "info", damaged).refused(1, "is damaged", "landmark_positions.npy holds no array")


def _build(sfd2: Run, source: Path, *options: object) -> Any:
    return sfd2("map", "build", source, "-o", source.parent / "out", "--device", "cpu", *options)


def test_poses_that_do_not_explain_the_images_are_rejected_by_the_likely_mistake(sfd2: Run, scene: Path) -> None:
    images = [
        replace(image, cam_from_world=inverse(image.cam_from_world)) for image in load_scene(scene).images.values()
    ]
    write_posed_model(scene / "sparse", images)
    said = ("do not explain the images", "world_from_cam in place of cam_from_world; invert each pose")
    _build(sfd2, scene).refused(1, *said)
    assert not (scene.parent / "out").exists()


def test_structure_from_motion_is_announced_with_what_was_not_used(sfd2: Run, scene: Path) -> None:
    (scene / "images" / "map.txt").write_text("nosuch.png\n")
    failed = _build(sfd2, scene / "images")
    failed.refused(1, "1 images are missing in", "nosuch.png")
    (scene / "images" / "map.txt").unlink()
    said = sfd2("map", "build", scene / "images", "-o", scene.parent / "sfm", "--device", "cpu").err
    assert "no COLMAP model in sparse, colmap/sparse, dense/sparse" in said
    assert "the model of" in said
    assert "is not used" in said
    assert "scale and frame are arbitrary" in said


def test_poses_in_millimetres_are_rejected(sfd2: Run, scene: Path) -> None:
    images = list(load_scene(scene).images.values())
    for image in images:
        image.cam_from_world[:3, 3] *= 1000
    write_posed_model(scene / "sparse", images)
    _build(sfd2, scene).refused(1, "half of the landmarks lie more than", "in millimetres? Scale them to metres")


def test_an_empty_folder_is_refused(sfd2: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _build(sfd2, tmp_path / "empty").refused(1, "no images in", "files ending in .jpg")
    _build(sfd2, tmp_path / "nowhere").refused(1, "is no folder and no bag; name a scene")
    (tmp_path / "file.png").touch()
    _build(sfd2, tmp_path / "file.png").refused(1, "is no folder")


def test_a_model_without_images_is_refused(sfd2: Run, scene: Path) -> None:
    (scene / "sparse" / "images.txt").write_text("")
    _build(sfd2, scene).refused(1, "has no image with a pose")
    shutil.rmtree(scene / "sparse")
    (scene / "sparse").mkdir()
    _build(sfd2, scene).refused(1, "holds no COLMAP model")


def test_a_model_without_its_photographs_is_refused(sfd2: Run, scene: Path) -> None:
    (scene / "images" / "1.png").unlink()
    _build(sfd2, scene).refused(1, "1 images are missing in", "1.png")
    shutil.rmtree(scene / "images")
    _build(sfd2, scene).refused(1, "has no folder images/")


@pytest.mark.parametrize("content", [b"", b"this is no image"])
def test_an_image_that_is_no_image_is_refused(sfd2: Run, scene: Path, content: bytes) -> None:
    (scene / "images" / "3.png").write_bytes(content)
    _build(sfd2, scene).refused(1, "3.png", "image")
    assert not (scene.parent / "out").exists()


def test_opencv_says_nothing_beside_our_own_line(sfd2_process: Run, scene: Path) -> None:
    (scene / "images" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 99)
    process = sfd2_process("map", "build", scene, "-o", scene.parent / "out", "--device", "cpu")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    lines = [line for line in err.splitlines() if not line.startswith("weights ")]
    assert len(lines) == 1
    assert lines[0].startswith("sfd2: error: ")


def test_an_image_of_another_size_than_its_camera_is_refused(sfd2: Run, scene: Path) -> None:
    cameras = (scene / "sparse" / "cameras.txt").read_text()
    (scene / "sparse" / "cameras.txt").write_text(cameras.replace("320 240 ", "640 480 "))
    _build(sfd2, scene).refused(1, "image '0.png' is 320x240, its camera 640x480; scale the intrinsics")


def test_a_list_with_unknown_images_is_refused(sfd2: Run, scene: Path) -> None:
    (scene / "mine.txt").write_text("0.png\n1.png\nnosuch.png\n")
    _build(sfd2, scene, "--list", "mine.txt").refused(1, "names 1 images that the model has no pose for: nosuch.png")
    _build(sfd2, scene, "--list", "other.txt").refused(1, "'other.txt' cannot be read")
    _build(sfd2, scene, "--list", "").refused(1, "cannot be read")
    shutil.rmtree(scene / "sparse")
    _build(sfd2, scene, "--list", "mine.txt").refused(1, "1 images are missing", "nosuch.png")


def test_one_image_is_no_map(sfd2: Run, scene: Path) -> None:
    (scene / "map.txt").write_text("0.png\n")
    _build(sfd2, scene).refused(1, "a map needs at least 2 images", "got 1")


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"", "weights"), (b"these are no weights", "weights"), (b"PK\x03\x04" + b"\0" * 50, "weights")],
)
def test_weights_that_are_no_weights_are_refused(sfd2: Run, scene: Path, content: bytes, part: str) -> None:
    (scene / "w.safetensors").write_bytes(content)
    _build(sfd2, scene, "--weights", scene / "w.safetensors").refused(1, part, "w.safetensors")
    _build(sfd2, scene, "--weights", scene / "nosuch.pth").refused(1, part, "nosuch.pth")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--device", "gpu"], ["device 'gpu' is not known; allowed: 'auto', 'cpu'"]),
        (["--max-keypoints", "0"], ["'max_keypoints' is 0; it must be at least 1"]),
        (["--camera", "PINHOLE,320,240,300,300,160,120"], ["--camera is for a plain folder of images"]),
    ],
)
def test_wrong_use_is_code_2(sfd2: Run, painted: Path, tmp_path: Path, options: list[str], parts: list[str]) -> None:
    sfd2("map", "build", painted, "-o", tmp_path / "out", *options).refused(2, *parts)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_is_kept(sfd2: Run, scene: Path, painted_map: Path) -> None:
    shutil.copytree(painted_map, scene.parent / "out")
    before = _tree(scene.parent / "out")
    _build(sfd2, scene).refused(1, "exists; name another path, or pass --overwrite")
    (scene / "images" / "3.png").write_bytes(b"no image")
    _build(sfd2, scene, "--overwrite").refused(1, "3.png")
    assert _tree(scene.parent / "out") == before


def test_an_output_of_another_run_is_rejected_before_the_work(sfd2: Run, scene: Path, painted_map: Path) -> None:
    out, claim = scene.parent / "out", scene.parent / ".out.sfd2_claim"
    (scene / "images" / "3.png").write_bytes(b"no image")
    with claim.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _build(sfd2, scene).refused(1, "is being written by another run")
        sfd2("map", "merge", painted_map, scene / "no map", "-o", out).refused(1, "is being written by another run")
    _build(sfd2, scene).refused(1, "3.png")
    sfd2("map", "merge", painted_map, scene / "no map", "-o", out).refused(1, "does not exist")


def test_overwrite_replaces_a_map_and_nothing_else(sfd2: Run, scene: Path, painted_map: Path) -> None:
    shutil.copytree(painted_map, scene.parent / "out")
    (scene.parent / "out" / "left over").touch()
    _build(sfd2, scene, "--overwrite").succeeded()
    assert not (scene.parent / "out" / "left over").exists()
    before = _tree(scene)
    sfd2("map", "build", scene, "-o", scene, "--overwrite").refused(1, "and so is not replaced")
    assert _tree(scene) == before


def test_what_cannot_be_written_is_refused_before_the_work(sfd2: Run, scene: Path) -> None:
    inside_a_file = scene / "images" / "0.png" / "out"
    sfd2("map", "build", scene, "-o", inside_a_file).refused(1, "cannot write", "is no folder")
    _build(sfd2, scene, "--json", inside_a_file).refused(1, "cannot write", "is no folder")
    _build(sfd2, scene, "--json", scene).refused(1, "is a folder, a file is to be written there")
    _build(sfd2, scene, "--json", scene.parent / "out").refused(2, "--json and --output both write")
    assert sorted(path.name for path in scene.parent.iterdir()) == ["scene"]


def test_options_of_bags_are_refused_for_folders_and_the_other_way(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    sfd2("map", "build", painted, "-o", tmp_path / "m", "--frame", "odom").refused(2, "--frame is for a bag")
    (tmp_path / "no.mcap").write_bytes(b"")
    ran = sfd2("map", "build", tmp_path / "no.mcap", "-o", tmp_path / "m", "--list", "map.txt")
    ran.refused(2, "--image-topic")
    sfd2("map", "build", painted, "-o", tmp_path / "m", "--trust-poses").refused(2, "--trust-poses is for a bag")
    ran = sfd2("map", "build", tmp_path / "no.mcap", "-o", tmp_path / "m", "--refine-poses")
    ran.refused(2, "--refine-poses is for given poses", "--trust-poses")
