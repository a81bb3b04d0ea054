# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of OpenSfM: `reconstruction.json`, beside a folder `images/`.

A shot has the pose cam_from_world as a rotation vector and a translation. Intrinsics are in units of the longer side of
the image, from its middle. Source: opensfm.org, Geometric Models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.json_entries import Entry, read_json

if TYPE_CHECKING:
    from pathlib import Path

FILE = "reconstruction.json"
_MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "perspective": ("plumb_bob", ("k1", "k2", "", "")),
    "simple_radial": ("plumb_bob", ("k1", "", "", "")),
    "radial": ("plumb_bob", ("k1", "k2", "", "")),
    "brown": ("plumb_bob", ("k1", "k2", "p1", "p2", "k3")),
    "fisheye": ("equidistant", ("k1", "k2", "", "")),
    "fisheye_opencv": ("equidistant", ("k1", "k2", "k3", "k4")),
}
"""Of OpenSfM: the same model of ROS, and its coefficients in order; "" is 0."""


def read_opensfm(folder: Path) -> list[PosedImage]:
    """Read the images of a `reconstruction.json`; names are relative to `images/`.

    Raises:
        SceneError: the file is malformed, or has several reconstructions, each with a frame of its own.
        CameraError: intrinsics that are not valid.
    """
    path = folder / FILE
    content = read_json(path)
    found: list[Any] = content if isinstance(content, list) else []
    if not found or not all(isinstance(one, dict) for one in found):
        raise SceneError(f"{str(path)!r} is no list of reconstructions; a file of OpenSfM is needed")
    if len(found) > 1:
        counts = ", ".join(str(len(one.get("shots", ()))) for one in found)
        raise SceneError(
            f"{str(path)!r} has {len(found)} reconstructions, with {counts} images; each has a frame of its own: keep "
            "one in the file"
        )
    whole = Entry(path, "reconstruction 0", found[0])
    cameras = {name: _camera(entry) for name, entry in whole.entries("cameras")}
    return [_image(name, entry, cameras) for name, entry in whole.entries("shots")]


def _image(name: str, entry: Entry, cameras: dict[str, Camera]) -> PosedImage:
    camera = entry.text("camera")
    if camera not in cameras:
        raise entry.error(f"its camera {camera!r} is not among the cameras: {', '.join(map(repr, cameras))}")
    rotation = rotation_from_vector(entry.numbers("rotation", 3))
    return PosedImage(name, cameras[camera], rigid(rotation, entry.numbers("translation", 3)))


def _camera(entry: Entry) -> Camera:
    projection = entry.text("projection_type", "perspective")
    if projection not in _MODELS:
        raise entry.error(f"projection_type {projection!r} is not supported; allowed: {', '.join(_MODELS)}")
    model, names = _MODELS[projection]
    coefficients = tuple(entry.number(name, 0.0) if name else 0.0 for name in names)
    width, height = entry.whole_number("width"), entry.whole_number("height")
    longer = max(width, height)
    fx = entry.number("focal_x" if entry.has("focal_x") else "focal")
    is_straight = model == "plumb_bob" and not any(coefficients)
    return Camera(
        width=width,
        height=height,
        fx=longer * fx,
        fy=longer * entry.number("focal_y", fx),
        cx=longer * entry.number("c_x", 0.0) + (width - 1) / 2,
        cy=longer * entry.number("c_y", 0.0) + (height - 1) / 2,
        distortion_model="none" if is_straight else model,
        distortion=() if is_straight else coefficients,
    )
