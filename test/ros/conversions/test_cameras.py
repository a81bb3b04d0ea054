# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera
from sfd2_ros.ros.conversions.cameras import message_from_camera


def camera_info(**changes: Any) -> Any:
    """Return an object with the fields of sensor_msgs/CameraInfo."""
    fields: dict[str, Any] = {
        "header": SimpleNamespace(frame_id="camera_optical"),
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "d": [0.1, -0.2, 0.001, 0.002, 0.05],
        "k": [500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0],
        "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "p": [450.0, 0.0, 315.0, 0.0, 0.0, 455.0, 235.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "binning_x": 0,
        "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
    }
    return SimpleNamespace(**{**fields, **changes})


def region(left: int, top: int, width: int, height: int) -> Any:
    return SimpleNamespace(x_offset=left, y_offset=top, width=width, height=height, do_rectify=False)


def test_intrinsics_and_distortion_are_taken_from_k_and_d() -> None:
    expected = Camera(640, 480, 500.0, 510.0, 320.0, 240.0, "plumb_bob", (0.1, -0.2, 0.001, 0.002, 0.05))
    assert camera_from_message(camera_info(), (480, 640)) == expected


def test_rectified_images_have_the_intrinsics_of_p_and_no_distortion() -> None:
    camera = camera_from_message(camera_info(), (480, 640), rectified=True)
    assert camera == Camera(640, 480, 450.0, 455.0, 315.0, 235.0)


@pytest.mark.parametrize("name", ["equidistant", "fisheye", "Kannala_Brandt"])
def test_names_of_the_fisheye_model_mean_the_same(name: str) -> None:
    camera = camera_from_message(camera_info(distortion_model=name, d=[0.1, 0.2, 0.3, 0.4]), (480, 640))
    assert (camera.distortion_model, camera.distortion) == ("equidistant", (0.1, 0.2, 0.3, 0.4))


def test_fisheye_with_zero_coefficients_stays_a_fisheye() -> None:
    camera = camera_from_message(camera_info(distortion_model="equidistant", d=[0.0] * 4), (480, 640))
    assert camera.distortion_model == "equidistant"


@pytest.mark.parametrize(
    ("model", "coefficients"), [("plumb_bob", [0.0] * 5), ("", []), ("none", []), ("plumb_bob", [])]
)
def test_zero_coefficients_are_no_distortion(model: str, coefficients: list[float]) -> None:
    camera = camera_from_message(camera_info(distortion_model=model, d=coefficients), (480, 640))
    assert (camera.distortion_model, camera.distortion) == ("none", ())


def test_rational_model_padded_with_zeros_keeps_its_eight_coefficients() -> None:
    eight = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    info = camera_info(distortion_model="rational_polynomial", d=[*eight, 0.0, 0.0, 0.0, 0.0])
    assert camera_from_message(info, (480, 640)).distortion == tuple(eight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": [0.0] * 9}, "not calibrated"),
        ({"k": [500.0, 3.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]}, "skewed K"),
        ({"distortion_model": "omnidirectional"}, "'omnidirectional'; known: plumb_bob"),
        ({"distortion_model": ""}, "names no model"),
        ({"d": [0.1] * 7}, "takes 4 or 5 coefficients, got 7"),
        ({"roi": region(600, 0, 100, 100)}, "not within its sensor"),
        ({"roi": region(0, 0, 100, 0)}, "not within its sensor"),
    ],
)
def test_calibrations_that_cannot_be_used_are_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CameraError, match=message):
        camera_from_message(camera_info(**changes), (480, 640))


def test_rectified_without_p_is_refused() -> None:
    with pytest.raises(CameraError, match="not calibrated"):
        camera_from_message(camera_info(p=[0.0] * 12), (480, 640), rectified=True)


def test_image_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(CameraError, match="image is 320x240, but camera_info stands for 640x480"):
        camera_from_message(camera_info(), (240, 320))


def test_region_of_interest_moves_the_principal_point() -> None:
    camera = camera_from_message(camera_info(roi=region(100, 40, 320, 200)), (200, 320))
    assert (camera.width, camera.height, camera.fx, camera.cx, camera.cy) == (320, 200, 500.0, 220.0, 200.0)


def test_binning_scales_about_the_outer_edge_of_the_first_pixel() -> None:
    camera = camera_from_message(camera_info(binning_x=2, binning_y=4), (120, 320))
    assert (camera.fx, camera.fy) == (250.0, 127.5)
    # Pixel 0 of the binned row covers pixels 0 and 1, whose middle is 0.5.
    assert camera.cx == pytest.approx((320.0 - 0.5) / 2)
    assert camera.cy == pytest.approx((240.0 - 1.5) / 4)


def test_region_is_cut_before_binning() -> None:
    camera = camera_from_message(camera_info(roi=region(100, 40, 320, 200), binning_x=2, binning_y=2), (100, 160))
    assert camera.cx == pytest.approx((220.0 - 0.5) / 2)


@pytest.mark.usefixtures("ros")
@pytest.mark.parametrize(
    "camera",
    [
        Camera(640, 480, 500.0, 510.0, 320.0, 240.0),
        Camera(640, 480, 500.0, 510.0, 320.0, 240.0, "plumb_bob", (0.1, 0.2, 0.3, 0.4, 0.5)),
        Camera(64, 48, 50.0, 51.0, 32.0, 24.0, "equidistant", (0.1, 0.2, 0.3, 0.4)),
    ],
)
def test_camera_survives_its_message(camera: Camera) -> None:
    message = message_from_camera(camera)
    assert camera_from_message(message, (camera.height, camera.width)) == camera
    assert camera_from_message(message, (camera.height, camera.width), rectified=True).fx == camera.fx
