# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of nerfstudio, OpenSfM and kapture: the same images as COLMAP's model has, and what is rejected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.core.transforms import inverse, quaternion_xyzw, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.model_places import is_scene
from sfd2_ros.mapping.scene import load_scene

LENSES: list[tuple[str, tuple[float, ...]]] = [
    ("none", ()),
    ("plumb_bob", (-0.2, 0.03, 0.001, -0.002, 0.01)),
    ("equidistant", (0.02, -0.01, 0.003, 0.001)),
]
NAMES = ["a/0.png", "a/1.png", "2.png"]


def _images(lens: tuple[str, tuple[float, ...]] = LENSES[0]) -> dict[str, PosedImage]:
    camera = Camera(640, 480, 500.0, 510.0, 322.0, 238.0, *lens)
    poses = [inverse(rigid(rotation_from_vector([0.1 * i, -0.3, 2.0 + i]), [i, 2.0, -i])) for i in range(3)]
    return {name: PosedImage(name, camera, pose) for name, pose in zip(NAMES, poses, strict=True)}


def _check(folder: Path, expected: dict[str, PosedImage], prefix: str = "") -> None:
    assert is_scene(folder)
    images = load_scene(folder).images
    assert list(images) == [prefix + name for name in expected]
    for name, image in expected.items():
        read = images[prefix + name]
        np.testing.assert_allclose(read.cam_from_world, image.cam_from_world, atol=1e-9)
        given, found = image.camera, read.camera
        assert (found.width, found.height, found.distortion_model) == (
            given.width,
            given.height,
            given.distortion_model,
        )
        np.testing.assert_allclose([found.fx, found.fy, found.cx, found.cy], [500, 510, 322, 238])
        np.testing.assert_allclose(found.distortion, given.distortion, atol=1e-12)


def _nerfstudio(images: dict[str, PosedImage]) -> dict[str, Any]:
    camera = next(iter(images.values())).camera
    content: dict[str, Any] = {
        "w": 640, "h": 480, "fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx + 0.5, "cy": camera.cy + 0.5,
        "camera_model": "OPENCV_FISHEYE" if camera.distortion_model == "equidistant" else "OPENCV",
    }  # fmt: skip
    names = ("k1", "k2", "k3", "k4") if camera.distortion_model == "equidistant" else ("k1", "k2", "p1", "p2", "k3")
    content.update(zip(names, camera.distortion, strict=False))
    frames = []
    for name, image in images.items():
        world_from_cam = inverse(image.cam_from_world)
        world_from_cam[:3, 1:3] *= -1  # y up, z back
        frames.append({"file_path": f"images/{name}", "transform_matrix": world_from_cam.tolist()})
    return {**content, "frames": frames}


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path.parent


@pytest.mark.parametrize("lens", LENSES)
def test_transforms_of_nerfstudio_are_read(tmp_path: Path, lens: Any) -> None:
    images = _images(lens)
    _check(_write(tmp_path / "transforms.json", _nerfstudio(images)), images, "images/")


def test_transforms_of_nerf_have_an_opening_angle_and_names_without_suffix(tmp_path: Path) -> None:
    content = _nerfstudio(_images())
    for key in ("fl_x", "fl_y", "cx", "cy", "camera_model"):
        del content[key]
    content["camera_angle_x"] = 2 * np.arctan(320 / 500)
    content["frames"] = [{**content["frames"][0], "file_path": "./train/r_0"}]
    (tmp_path / "train").mkdir()
    cv2.imwrite(str(tmp_path / "train" / "r_0.png"), np.zeros((4, 4), np.uint8))
    images = load_scene(_write(tmp_path / "transforms.json", content)).images
    assert list(images) == ["train/r_0.png"]
    camera = images["train/r_0.png"].camera
    np.testing.assert_allclose([camera.fx, camera.fy, camera.cx, camera.cy], [500, 500, 319.5, 239.5])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": []}, "has no frames"),
        ({"frames": [3]}, "frame 0: 3 is no object"),
        ({"fl_x": None}, "frame 0: 'fl_x' is None; a finite number is needed"),
        ({"w": 640.5}, "frame 0: 'w' is 640.5; a positive whole number"),
        ({"k1": "0.1"}, "'k1' is '0.1'; a finite number"),
        ({"fl_y": float("nan")}, "'fl_y' is nan; a finite number"),
        ({"camera_model": "EQUIRECTANGULAR"}, "'EQUIRECTANGULAR' is not supported; allowed: OPENCV"),
    ],
)
def test_transforms_that_are_wrong_are_rejected_with_the_entry(tmp_path: Path, change: Any, said: str) -> None:
    folder = _write(tmp_path / "transforms.json", {**_nerfstudio(_images()), **change})
    with pytest.raises(SceneError, match=f"transforms.json.*{said}"):
        load_scene(folder)


@pytest.mark.parametrize("scale", [2.0, -1.0])
def test_a_pose_that_is_no_rigid_motion_is_rejected(tmp_path: Path, scale: float) -> None:
    content = _nerfstudio(_images())
    matrix = np.array(content["frames"][1]["transform_matrix"])
    matrix[:3, 0] *= scale
    content["frames"][1]["transform_matrix"] = matrix.tolist()
    with pytest.raises(SceneError, match="frame 1: 'transform_matrix' is no rotation and translation"):
        load_scene(_write(tmp_path / "transforms.json", content))


def _opensfm(images: dict[str, PosedImage]) -> list[dict[str, Any]]:
    camera = next(iter(images.values())).camera
    kind = {"none": "perspective", "plumb_bob": "brown", "equidistant": "fisheye_opencv"}[camera.distortion_model]
    names = ("k1", "k2", "k3", "k4") if kind == "fisheye_opencv" else ("k1", "k2", "p1", "p2", "k3")
    entry = {
        "projection_type": kind, "width": 640, "height": 480, "focal_x": camera.fx / 640, "focal_y": camera.fy / 640,
        "c_x": (camera.cx - 319.5) / 640, "c_y": (camera.cy - 239.5) / 640,
        **dict(zip(names, camera.distortion, strict=False)),
    }  # fmt: skip
    shots = {
        name: {
            "camera": "v2 phone",
            "rotation": vector_from_rotation(image.cam_from_world).tolist(),
            "translation": image.cam_from_world[:3, 3].tolist(),
        }
        for name, image in images.items()
    }
    return [{"cameras": {"v2 phone": entry}, "shots": shots, "points": {}}]


@pytest.mark.parametrize("lens", LENSES)
def test_a_reconstruction_of_opensfm_is_read(tmp_path: Path, lens: Any) -> None:
    images = _images(lens)
    folder = _write(tmp_path / "reconstruction.json", _opensfm(images))
    _check(folder, images)
    assert load_scene(folder).image_folder == tmp_path / "images"


def test_opensfm_s_usual_camera_has_one_focal_length_in_units_of_the_longer_side(tmp_path: Path) -> None:
    content = _opensfm(_images())
    content[0]["cameras"]["v2 phone"] = {"projection_type": "perspective", "width": 480, "height": 640, "focal": 0.8}
    camera = load_scene(_write(tmp_path / "reconstruction.json", content)).images[NAMES[0]].camera
    np.testing.assert_allclose([camera.fx, camera.fy, camera.cx, camera.cy], [512, 512, 239.5, 319.5])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "is no list of reconstructions"),
        ([{"shots": {"a": {}}}, {"shots": {"b": {}, "c": {}}}], "has 2 reconstructions, with 1, 2 images"),
        ([{"cameras": {}, "shots": {}}], "reconstruction 0: 'cameras' is missing or empty"),
        ([{"cameras": {"c": {"projection_type": "spherical"}}}], "cameras 'c': .*'spherical' is not supported"),
        ([{"cameras": {"c": {"width": 4, "height": 3}}}], "cameras 'c': 'focal' is None"),
    ],
)
def test_a_reconstruction_that_is_wrong_is_rejected(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(SceneError, match=said):
        load_scene(_write(tmp_path / "reconstruction.json", content))


def test_a_shot_of_an_unknown_camera_is_rejected(tmp_path: Path) -> None:
    content = _opensfm(_images())
    content[0]["shots"]["2.png"]["camera"] = "other"
    with pytest.raises(SceneError, match=r"shots '2.png': its camera 'other' is not among the cameras: 'v2 phone'"):
        load_scene(_write(tmp_path / "reconstruction.json", content))


def _pose_text(pose: np.ndarray) -> str:
    x, y, z, w = quaternion_xyzw(pose)
    return ", ".join(repr(float(value)) for value in (w, x, y, z, *pose[:3, 3]))


def _kapture(folder: Path, images: dict[str, PosedImage], *, with_rig: bool = False) -> dict[str, Path]:
    """Write a kapture of the images: each at a time of its own, by one camera, alone or on a rig."""
    sensors = folder / "sensors"
    sensors.mkdir()
    head = "# kapture format: 1.1\n"
    camera_from_rig = rigid(rotation_from_vector([0.0, 0.4, 0.1]), [0.2, 0.3, 0.0])
    poses = [
        inverse(camera_from_rig) @ one.cam_from_world if with_rig else one.cam_from_world for one in images.values()
    ]
    device = "rig" if with_rig else "cam0"
    lines = {
        "sensors.txt": ["gps0, , gnss, EPSG:4326", "cam0, , camera, PINHOLE, 640, 480, 500, 510, 322.5, 238.5"],
        "trajectories.txt": [f"{t}, {device}, {_pose_text(pose)}" for t, pose in enumerate(poses)],
        "records_camera.txt": [*(f"{t}, cam0, {name}" for t, name in enumerate(images)), "99, cam0, without_pose.jpg"],
    }
    if with_rig:
        lines["rigs.txt"] = [f"rig, cam0, {_pose_text(camera_from_rig)}"]
    for name, content in lines.items():
        (sensors / name).write_text(head + "\n".join(content) + "\n")
    return {name: sensors / name for name in lines}


@pytest.mark.parametrize("with_rig", [False, True])
def test_a_kapture_is_read(tmp_path: Path, with_rig: bool) -> None:  # noqa: FBT001
    images = _images()
    _kapture(tmp_path, images, with_rig=with_rig)
    _check(tmp_path, images)
    assert load_scene(tmp_path).image_folder == tmp_path / "sensors" / "records_data"


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("trajectories.txt", "0, cam0, 1, 0, 0", "line 2: 5 values, 9 separated by commas are needed"),
        ("trajectories.txt", "0, cam0, 5, 0, 0, 0, 1, 2, 3", "line 2: quaternion 5 0 0 0 has not length one"),
        ("trajectories.txt", "0, cam0, 1, 0, 0, 0, x, 2, 3", "line 2: pose 'x' is no number"),
        ("records_camera.txt", "0, gps0, a.jpg", "line 2: sensor 'gps0' is no camera"),
        ("sensors.txt", "cam0, camera", "line 2: sensor_device_id, name, sensor_type are needed"),
        ("records_camera.txt", "7, cam0, a.jpg", "has no image with a pose"),
    ],
)
def test_a_kapture_that_is_wrong_is_rejected_with_the_line(tmp_path: Path, file: str, line: str, said: str) -> None:
    files = _kapture(tmp_path, _images())
    files[file].write_text(f"# kapture format: 1.1\n{line}\n")
    with pytest.raises(SceneError, match=said):
        load_scene(tmp_path)


def test_a_camera_without_intrinsics_is_rejected(tmp_path: Path) -> None:
    files = _kapture(tmp_path, _images())
    files["sensors.txt"].write_text("cam0, , camera, UNKNOWN_CAMERA, 640, 480\n")
    with pytest.raises(CameraError, match="'UNKNOWN_CAMERA' is not supported"):
        load_scene(tmp_path)


def test_a_file_that_is_no_json_and_two_formats_in_one_folder_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text("{")
    with pytest.raises(SceneError, match=r"transforms.json' cannot be read as JSON"):
        load_scene(tmp_path)
    (tmp_path / "reconstruction.json").write_text("[]")
    with pytest.raises(SceneError, match=r"has poses in transforms.json, reconstruction.json; keep the file"):
        load_scene(tmp_path)


def test_an_image_that_is_named_twice_is_rejected(tmp_path: Path) -> None:
    content = _nerfstudio(_images())
    content["frames"].append(content["frames"][0])
    with pytest.raises(SceneError, match="names an image twice"):
        load_scene(_write(tmp_path / "transforms.json", content))
