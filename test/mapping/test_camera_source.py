# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Intrinsics that a user names: scenes, maps, camera_info files and text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.camera_file import camera_from_file
from sfd2_ros.mapping.camera_source import camera_from_text, camera_source
from sfd2_ros.mapping.colmap_io import write_posed_model

YAML = """image_width: 640
image_height: 480
camera_name: front
camera_matrix:
  rows: 3
  cols: 3
  data: [500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, -0.2, 0.001, 0.002, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
"""


def _yaml(folder: Path, *changes: tuple[str, str]) -> Path:
    text = YAML
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "camera.yaml").write_text(text)
    return folder / "camera.yaml"


def test_text_is_a_line_of_colmaps_cameras_with_its_pixel_centre() -> None:
    assert camera_from_text("PINHOLE,640,480,500,510,320,240") == Camera(640, 480, 500, 510, 319.5, 239.5)
    radial = camera_source(" SIMPLE_RADIAL , 640, 480, 500, 320, 240, -1e-1 ")("any name")
    assert radial == Camera(640, 480, 500, 500, 319.5, 239.5, "plumb_bob", (-0.1, 0, 0, 0))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no such file and no intrinsics; allowed: a scene folder"),
        ("nosuch.yaml", "no such file and no intrinsics"),
        ("PINHOLE", "no such file and no intrinsics"),
        ("PINHOLE,640", "no such file and no intrinsics"),
        ("PINHOLE,640,480", "takes 4 parameters, got 0"),
        ("PINHOLE,640,480,500,500,320", "takes 4 parameters, got 3"),
        (
            "PINHOLE,640.5,480,500,500,320,240",
            "its width and height must be whole numbers of pixels, got '640.5', '480'",
        ),
        ("PINHOLE,1e400,480,500,500,320,240", "must be whole numbers of pixels"),
        ("PINHOLE,640,480,500,x,320,240", "its parameters must be numbers, got '500,x,320,240'"),
        ("PINHOLE,640,480,500,nan,320,240", "not finite"),
        ("PINHOLE,640,480,0,500,320,240", "must be positive"),
        ("PINHOLE,0,480,500,500,320,240", "must be positive"),
        ("EQUIRECTANGULAR,640,480", "'EQUIRECTANGULAR' is not supported"),
        ("pinhole,640,480,500,500,320,240", "'pinhole' is not supported"),
    ],
)
def test_text_that_is_no_camera_is_refused(text: str, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        camera_source(text)


def test_yaml_of_a_calibration_is_read(tmp_path: Path) -> None:
    camera = camera_source(str(_yaml(tmp_path)))("any name")
    assert camera == Camera(640, 480, 500, 510, 319.5, 239.5, "plumb_bob", (0.1, -0.2, 0.001, 0.002, 0.0))


def test_yaml_of_a_fisheye_without_coefficients_is_no_pinhole(tmp_path: Path) -> None:
    path = _yaml(tmp_path, ("plumb_bob", "equidistant"), ("0.1, -0.2, 0.001, 0.002, 0.0", "0, 0, 0, 0"))
    assert camera_from_file(path).distortion_model == "equidistant"


ECHOED = """header:
  stamp: {sec: 1, nanosec: 2}
  frame_id: front
height: 480
width: 640
distortion_model: plumb_bob
d: [0.1, -0.2, 0.001, 0.002, 0.0]
k: [500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0]
binning_x: 0
binning_y: 0
roi: {x_offset: 0, y_offset: 0, height: 0, width: 0, do_rectify: false}
---
"""


def test_what_ros2_topic_echo_printed_is_read(tmp_path: Path) -> None:
    (tmp_path / "echo.yaml").write_text(ECHOED + ECHOED)
    assert camera_from_file(tmp_path / "echo.yaml") == camera_from_file(_yaml(tmp_path))


def test_what_ros1_rostopic_echo_printed_is_read(tmp_path: Path) -> None:
    (tmp_path / "echo.yaml").write_text(ECHOED.replace("d: [", "D: [").replace("k: [", "K: ["))
    assert camera_from_file(tmp_path / "echo.yaml") == camera_from_file(_yaml(tmp_path))


def test_what_ros2_topic_echo_prints_of_lost_messages_is_passed_over(tmp_path: Path) -> None:
    lost = "A message was lost!!!\n\ttotal count change:1\n\ttotal count: 1---\n"
    (tmp_path / "echo.yaml").write_text(lost + lost + ECHOED)
    assert camera_from_file(tmp_path / "echo.yaml") == camera_from_file(_yaml(tmp_path))


@pytest.mark.parametrize("cx", ["1189.6", "-50.0"])
def test_a_principal_point_outside_the_image_is_warned_of(
    tmp_path: Path, cx: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert camera_from_file(_yaml(tmp_path, ("319.5", cx))).cx == float(cx)
    (record,) = caplog.records
    assert f"principal point ({float(cx):g}, 239.5) lies outside the image of 640x480 pixels" in record.getMessage()


def test_a_region_of_interest_of_the_whole_sensor_is_none(tmp_path: Path) -> None:
    (tmp_path / "echo.yaml").write_text(ECHOED.replace("height: 0, width: 0", "height: 480, width: 640"))
    assert camera_from_file(tmp_path / "echo.yaml") == camera_from_file(_yaml(tmp_path))


OST = """# oST version 5.0 parameters


[image]

width
640

height
480

[narrow_stereo]

camera matrix
500.000000 0.000000 319.500000
0.000000 510.000000 239.500000
0.000000 0.000000 1.000000

distortion
0.100000 -0.200000 0.001000 0.002000 0.000000

rectification
1.000000 0.000000 0.000000
0.000000 1.000000 0.000000
0.000000 0.000000 1.000000

projection
510.000000 0.000000 319.500000 0.000000
0.000000 510.000000 239.500000 0.000000
0.000000 0.000000 1.000000 0.000000
"""


def test_the_ini_file_of_camera_calibration_is_read(tmp_path: Path) -> None:
    (tmp_path / "ost.ini").write_text(OST)
    assert camera_source(str(tmp_path / "ost.ini"))("any name") == camera_from_file(_yaml(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("width\n640", "width\n", "KeyError: 'width'"),
        ("640", "640.5", "ValueError"),
        (
            "500.000000 0.000000 319.500000\n0.000000 510.000000 239.500000\n0.000000 0.000000 1.0",
            "0 0 0 0 0 0 0 0 0",
            "not calibrated",
        ),
        ("distortion\n", "distortions\n", "KeyError: 'distortion'"),
    ],
)
def test_an_ini_file_that_is_no_calibration_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in OST
    (tmp_path / "ost.ini").write_text(OST.replace(old, new, 1))
    with pytest.raises(CameraError, match=reason):
        camera_from_file(tmp_path / "ost.ini")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("binning_x: 0", "binning_x: 2", "binned image or a region"),
        ("height: 0, width: 0", "height: 8, width: 8", "binned image or a region"),
        (
            "x_offset: 0, y_offset: 0, height: 0, width: 0",
            "x_offset: 1, y_offset: 0, height: 480, width: 640",
            "region",
        ),
        ("binning_y: 0", "binning_y: two", "TypeError"),
        ("width: 640", "", "KeyError: 'width'"),
        ("k: [500.0, 0.0,", "k: [0.0, 0.0,", "is the camera calibrated"),
    ],
)
def test_a_printed_message_that_is_no_calibration_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in ECHOED
    (tmp_path / "echo.yaml").write_text(ECHOED.replace(old, new))
    with pytest.raises(CameraError, match=reason):
        camera_from_file(tmp_path / "echo.yaml")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("image_width: 640", "", "KeyError: 'image_width'"),
        ("image_width: 640", "image_width: 640.0", "size 640.0x480; whole numbers"),
        ("image_width: 640", "image_width: '640'", "whole numbers"),
        ("image_width: 640", "image_width: true", "whole numbers"),
        ("image_width: 640", "image_width: -1", "must be positive"),
        ("camera_matrix:", "camera_matriks:", "KeyError: 'camera_matrix'"),
        ("500.0, 0.0, 319.5, 0.0, 510.0", "0.0, 0.0, 0.0, 0.0, 0.0", "must be positive; is the camera calibrated"),
        ("500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0", "0, 0, 0, 0, 0, 0, 0, 0, 0", "not calibrated"),
        ("500.0, 0.0, 319.5", "500.0, 0.5, 319.5", "skew"),
        ("0.0, 510.0", "0.5, 510.0", "skew"),
        ("500.0, 0.0, 319.5", "500.0, 319.5", "has 8 numbers, 9 are needed"),
        ("500.0, 0.0, 319.5", "500.0, 0.0, 319,5", "has 10 numbers, 9 are needed; a decimal comma parts a number"),
        ("0.0, 0.0, 1.0]", "0.0, 0.0, 2.0]", r"\[0, 0, 1\] is needed"),
        ("0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0", "0.0, 0.0, 0.0, 510.0, 0.0, 319.5, 239.5, 1.0", "by rows"),
        ("500.0, 0.0, 319.5", "hello, 0.0, 319.5", "ValueError"),
        ("500.0, 0.0, 319.5", ".nan, 0.0, 319.5", "not finite"),
        ("plumb_bob", "thin_prism", "'thin_prism'; known: plumb_bob"),
        ("0.002, 0.0]", "0.002, 0.0, 0.1]", "takes 4 or 5 coefficients, got 6"),
        ("distortion_coefficients:", "distortion_coefficients: 3\nother:", "TypeError"),
        ("image_width: 640", "image_width: [640", "is no camera_info YAML"),
        ("image_width: 640", "image_width: !!python/object/apply:os.getcwd []", "ConstructorError"),
    ],
)
def test_yaml_that_is_no_calibration_is_refused_in_one_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(CameraError, match=reason) as caught:
        camera_from_file(_yaml(tmp_path, (old, new)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"- 1", b"3", b"\xff\xd8\xff\xe0" * 100_000, b"\0" * 50])
def test_a_file_that_is_no_yaml_is_refused_briefly(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "camera.yaml").write_bytes(content)
    with pytest.raises(CameraError, match="is no camera_info YAML") as caught:
        camera_source(str(tmp_path / "camera.yaml"))
    assert len(str(caught.value)) < 600


def _scene(folder: Path, *cameras: Camera) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "sparse").mkdir()
    images = [PosedImage(f"{i}.png", camera, np.eye(4)) for i, camera in enumerate(cameras)]
    write_posed_model(folder / "sparse", images)
    return folder


def test_a_scene_gives_the_camera_of_the_image_or_its_only_one(tmp_path: Path) -> None:
    first, second = Camera(640, 480, 500, 500, 319.5, 239.5), Camera(320, 240, 250, 250, 160, 120)
    both = camera_source(str(_scene(tmp_path / "both", first, second)))
    assert (both("0.png"), both("1.png")) == (first, second)
    with pytest.raises(CameraError, match=r"'other.png' is not among .* 2 cameras; name one with --camera MODEL"):
        both("other.png")
    assert camera_source(str(_scene(tmp_path / "one", second, second)))("other.png") == second


def test_a_map_gives_the_cameras_of_its_images(random_place: Any) -> None:
    camera_of = camera_source(str(random_place.map_folder))
    assert camera_of("3.jpg") == camera_of("unknown.jpg") == random_place.camera


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="is a folder, but no scene"):
        camera_source(str(tmp_path))
    (tmp_path / "images").mkdir()
    (tmp_path / "sparse").mkdir()
    with pytest.raises(SceneError, match="holds no COLMAP model"):
        camera_source(str(tmp_path))
