# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Intrinsics out of files: what `camera_calibration` writes (YAML, ost.ini), and what `topic echo` prints."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import yaml

from sfd2_ros.core.calibration import distortion_from_calibration
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera

if TYPE_CHECKING:
    from pathlib import Path

LOGGER = logging.getLogger(__name__)
_LOST = re.compile(r"^A message was lost!!!\n\s*total count change: ?\d+\n\s*total count: ?\d+(---)?\n", re.MULTILINE)
"""What `ros2 topic echo` prints between messages."""
_INI_SECTION = "[image]"
_ECHOED = {"k": "d", "K": "D"}
"""Names of K and of the distortion in a CameraInfo: of ROS 2, of ROS 1."""


def camera_from_file(path: Path) -> Camera:
    """Read a file with the calibration of one camera.

    Args:
        path: a YAML file (image_width, image_height, camera_matrix, distortion_model, ...) or an ost.ini, as
            `camera_calibration` writes them, or the first message that `ros2 topic echo` or `rostopic echo` printed
            (binning and a region of interest are rejected).

    Raises:
        CameraError: no such file, malformed, not calibrated, or a distortion model that is not supported.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = _content_of_ini(text) if _INI_SECTION in text else _content_of_yaml(text)
        matrix = [float(value) for value in content["camera_matrix"]["data"]]
        distortion = [float(value) for value in content["distortion_coefficients"]["data"]]
        width, height = content["image_width"], content["image_height"]
        model = str(content["distortion_model"])
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError) as err:
        reason = " ".join(str(err).split())
        raise CameraError(
            f"camera file {str(path)!r} is no camera_info YAML with image_width, image_height, camera_matrix, "
            f"distortion_model and distortion_coefficients, and no ost.ini: {type(err).__name__}: {reason}"
        ) from err
    if type(width) is not int or type(height) is not int:
        raise CameraError(
            f"camera file {str(path)!r} has size {width!r}x{height!r}; whole numbers of pixels are needed"
        )
    camera = camera_from_calibration(width, height, matrix, model, distortion)
    if not (0 <= camera.cx < width and 0 <= camera.cy < height):
        LOGGER.warning(
            "camera file %r: the principal point (%g, %g) lies outside the image of %dx%d pixels; is it of another "
            "resolution?",
            *(str(path), camera.cx, camera.cy, width, height),
        )
    return camera


def camera_from_calibration(
    width: int, height: int, matrix: list[float], distortion_model: str, distortion: list[float]
) -> Camera:
    """Make a camera from what a calibration file holds.

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
        raise CameraError(
            f"camera matrix has {len(matrix)} numbers, 9 are needed; a decimal comma parts a number, write points"
        )
    if not any(matrix):
        raise CameraError(
            "the camera is not calibrated: its camera matrix K is zero; calibrate it, for example with the ROS package "
            "camera_calibration"
        )
    fx, skew, cx, below, fy, cy, *last = matrix
    if skew != 0 or below != 0:
        raise CameraError(f"camera matrix {matrix} has skew, which is not supported; undistort the images")
    if last != [0, 0, 1]:
        raise CameraError(f"camera matrix {matrix} ends in {last}, [0, 0, 1] is needed: nine numbers of K by rows")
    model, coefficients = distortion_from_calibration(distortion_model, distortion)
    return Camera(width, height, fx, fy, cx, cy, model, coefficients)


def _content_of_yaml(text: str) -> Any:
    content: Any = next(iter(yaml.safe_load_all(_LOST.sub("", text))), None)
    if isinstance(content, dict):
        for matrix, distortion in _ECHOED.items():
            if matrix in content:
                return _content_of_message(content, matrix, distortion)
    return content


def _content_of_message(message: dict[str, Any], matrix: str, distortion: str) -> dict[str, Any]:
    """Return a CameraInfo message under the keys of a calibration file."""
    roi = message.get("roi") or {}
    left, top, width, height = (roi.get(name, 0) for name in ("x_offset", "y_offset", "width", "height"))
    is_whole = (left, top, width, height) in ((0, 0, 0, 0), (0, 0, message["width"], message["height"]))
    if message.get("binning_x", 0) > 1 or message.get("binning_y", 0) > 1 or not is_whole:
        raise CameraError("the camera_info is of a binned image or a region of interest; give one of the whole image")
    return {
        "image_width": message["width"],
        "image_height": message["height"],
        "camera_matrix": {"data": message[matrix]},
        "distortion_model": message["distortion_model"],
        "distortion_coefficients": {"data": message[distortion]},
    }


def _content_of_ini(text: str) -> dict[str, Any]:
    """Return what an ost.ini says, the format of the Videre library: each name in a line, its numbers in the next."""
    numbers: dict[str, list[str]] = {}
    name = ""
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith(("#", "[")):
            continue
        if line[0].isalpha():
            name = line
        else:
            numbers.setdefault(name, []).extend(line.split())
    (width,), (height,) = numbers["width"], numbers["height"]
    distortion = numbers["distortion"]
    return {
        "image_width": int(width),
        "image_height": int(height),
        "camera_matrix": {"data": numbers["camera matrix"]},
        "distortion_model": "plumb_bob" if len(distortion) <= 5 else "rational_polynomial",
        "distortion_coefficients": {"data": distortion},
    }
