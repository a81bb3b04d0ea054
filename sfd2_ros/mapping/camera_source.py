# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where intrinsics come from when a user names them: a scene, a camera_info YAML, or `MODEL,w,h,params`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sfd2_ros.core.calibration import distortion_from_calibration
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.colmap_types import camera_from_model
from sfd2_ros.mapping.manifest import MANIFEST
from sfd2_ros.mapping.map_store import load_map
from sfd2_ros.mapping.scene import camera_among, is_scene, load_scene

if TYPE_CHECKING:
    from collections.abc import Callable

_ALLOWED = "a scene folder, a map, a camera_info YAML file, or MODEL,w,h,params such as PINHOLE,640,480,500,500,320,240"


def camera_source(text: str) -> Callable[[str], Camera]:
    """Return a function from an image's name to its intrinsics.

    Args:
        text: a scene or a map (its image of that name, or its only camera); a camera_info YAML file as
            `camera_calibration` or `ros2 topic echo` writes it; or a line of COLMAP's cameras.txt with commas,
            COLMAP's pixel centre.

    Raises:
        CameraError: none of these, or malformed.
        SceneError: the scene cannot be read.
        MapError: the map cannot be read.
    """
    path = Path(text)
    if text and path.is_dir():
        if is_scene(path):
            return load_scene(path).camera_of
        if (path / MANIFEST).is_file():
            images = {image.name: image for image in load_map(path).images}
            return lambda name: camera_among(images, name, str(path))
        raise CameraError(f"--camera {text!r} is a folder, but no scene with images/ and sparse/; allowed: {_ALLOWED}")
    camera = camera_from_yaml(path) if path.is_file() else camera_from_text(text)
    return lambda _name: camera


def camera_from_text(text: str) -> Camera:
    """Read `MODEL,w,h,params`, the parameters in COLMAP's order and pixel centre.

    Raises:
        CameraError: malformed, or a model that is not supported.
    """
    model, *numbers = [part.strip() for part in text.split(",")]
    if len(numbers) < 2:
        raise CameraError(f"--camera {text!r} is no such file and no intrinsics; allowed: {_ALLOWED}")
    try:
        width, height = int(numbers[0]), int(numbers[1])
        values = [float(number) for number in numbers[2:]]
    except ValueError as err:
        raise CameraError(f"--camera {text!r} is not understood: {err}; allowed: {_ALLOWED}") from err
    return camera_from_model(model, width, height, values)


def camera_from_yaml(path: Path) -> Camera:
    """Read a camera_info YAML file (image_width, image_height, camera_matrix, distortion_model, ...).

    Args:
        path: what `camera_calibration` writes, or `ros2 topic echo` (the first message; binning and ROI are refused).

    Raises:
        CameraError: no such file, malformed, not calibrated, or a distortion model that is not supported.
    """
    try:
        content: Any = next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8"))), None)
        if isinstance(content, dict) and "k" in content:
            content = _as_calibration_file(content)
        matrix = [float(value) for value in content["camera_matrix"]["data"]]
        distortion = [float(value) for value in content["distortion_coefficients"]["data"]]
        width, height = content["image_width"], content["image_height"]
        model = str(content["distortion_model"])
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError) as err:
        reason = " ".join(str(err).split())
        raise CameraError(
            f"camera file {str(path)!r} is no camera_info YAML with image_width, image_height, camera_matrix, "
            f"distortion_model and distortion_coefficients: {type(err).__name__}: {reason}"
        ) from err
    if type(width) is not int or type(height) is not int:
        raise CameraError(
            f"camera file {str(path)!r} has size {width!r}x{height!r}; whole numbers of pixels are needed"
        )
    return camera_from_calibration(width, height, matrix, model, distortion)


def _as_calibration_file(message: dict[str, Any]) -> dict[str, Any]:
    """Return a CameraInfo message under the keys of a calibration file."""
    roi = message.get("roi") or {}
    reduced = [message.get("binning_x", 0) > 1, message.get("binning_y", 0) > 1, *map(roi.get, ("width", "height"))]
    if any(reduced):
        raise CameraError("the camera_info is of a binned image or a region of interest; give one of the whole image")
    return {
        "image_width": message["width"],
        "image_height": message["height"],
        "camera_matrix": {"data": message["k"]},
        "distortion_model": message["distortion_model"],
        "distortion_coefficients": {"data": message["d"]},
    }


def camera_from_calibration(
    width: int, height: int, matrix: list[float], distortion_model: str, distortion: list[float]
) -> Camera:
    """Make a camera from what a camera_info YAML file holds.

    Args:
        width: pixels.
        height: pixels.
        matrix: nine numbers of K, by rows.
        distortion_model: as in CameraInfo.
        distortion: coefficients, see `core.calibration.distortion_from_calibration`.

    Raises:
        CameraError: K is malformed or zero (not calibrated), skewed, or the model is not supported.
    """
    if len(matrix) != 9:
        raise CameraError(f"camera matrix has {len(matrix)} numbers, 9 are needed")
    fx, skew, cx, below, fy, cy, *last = matrix
    if skew != 0 or below != 0:
        raise CameraError(f"camera matrix {matrix} has skew, which is not supported; undistort the images")
    if last != [0, 0, 1]:
        raise CameraError(f"camera matrix {matrix} ends in {last}, [0, 0, 1] is needed: nine numbers of K by rows")
    model, coefficients = distortion_from_calibration(distortion_model, distortion)
    return Camera(width, height, fx, fy, cx, cy, model, coefficients)
