# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where intrinsics come from when a user names them: a scene, a camera_info YAML, or `MODEL,w,h,params`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera
from sfd2_ros.mapping.colmap_io import camera_from_model
from sfd2_ros.mapping.scene import is_scene, load_scene

if TYPE_CHECKING:
    from collections.abc import Callable

_ALLOWED = "a scene folder, a camera_info YAML file, or MODEL,w,h,params such as PINHOLE,640,480,500,500,320,240"


def camera_source(text: str) -> Callable[[str], Camera]:
    """Return a function from an image's name to its intrinsics.

    Args:
        text: a scene folder (the image of that name, or the scene's only camera); a camera_info YAML file as
            `camera_calibration` writes it; or a line of COLMAP's cameras.txt with commas, COLMAP's pixel centre.

    Raises:
        CameraError: none of these, or malformed.
        SceneError: the scene cannot be read.
    """
    path = Path(text)
    if path.is_dir():
        if not is_scene(path):
            raise CameraError(f"--camera {text!r} is a folder without images/ and sparse/; allowed: {_ALLOWED}")
        return load_scene(path).camera_of
    camera = camera_from_yaml(path) if path.is_file() else camera_from_text(text)
    return lambda _name: camera


def camera_from_text(text: str) -> Camera:
    """Read `MODEL,w,h,params`, the parameters in COLMAP's order and pixel centre.

    Raises:
        CameraError: malformed, or a model that is not supported.
    """
    model, *numbers = [part.strip() for part in text.split(",")]
    try:
        values = [float(number) for number in numbers]
        width, height = int(values[0]), int(values[1])
    except (ValueError, IndexError, OverflowError) as err:
        raise CameraError(f"--camera {text!r} is not understood; allowed: {_ALLOWED}") from err
    return camera_from_model(model, width, height, values[2:])


def camera_from_yaml(path: Path) -> Camera:
    """Read a camera_info YAML file (image_width, image_height, camera_matrix, distortion_model, ...).

    Raises:
        CameraError: no such file, malformed, not calibrated, or a distortion model that is not supported.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        matrix = [float(value) for value in content["camera_matrix"]["data"]]
        distortion = [float(value) for value in content["distortion_coefficients"]["data"]]
        width, height = int(content["image_width"]), int(content["image_height"])
        model = str(content["distortion_model"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as err:
        raise CameraError(
            f"camera file {str(path)!r} is no camera_info YAML with image_width, image_height, camera_matrix, "
            f"distortion_model and distortion_coefficients: {err!r}"
        ) from err
    return camera_from_calibration(width, height, matrix, model, distortion)


def camera_from_calibration(
    width: int, height: int, matrix: list[float], distortion_model: str, distortion: list[float]
) -> Camera:
    """Make a camera from what sensor_msgs/CameraInfo and its YAML hold.

    Args:
        width: pixels.
        height: pixels.
        matrix: nine numbers of K, by rows.
        distortion_model: as in CameraInfo; an empty one without coefficients, or all zero, is no distortion.
        distortion: coefficients; for plumb_bob and rational_polynomial trailing zeros may be missing or too many.

    Raises:
        CameraError: K is malformed or zero (not calibrated), skewed, or the model is not supported.
    """
    if len(matrix) != 9:
        raise CameraError(f"camera matrix has {len(matrix)} numbers, 9 are needed")
    fx, skew, cx, _, fy, cy = matrix[:6]
    if skew != 0:
        raise CameraError(f"camera matrix has skew {skew!r}, which is not supported; undistort the images")
    model = {"fisheye": "equidistant", "radtan": "plumb_bob", "": "none"}.get(distortion_model, distortion_model)
    if not any(distortion):
        return Camera(width, height, fx, fy, cx, cy)
    return Camera(width, height, fx, fy, cx, cy, model, tuple(distortion))
