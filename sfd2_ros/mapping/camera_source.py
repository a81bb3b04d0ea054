# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where intrinsics come from when a user names them: a scene, a calibration file, or `MODEL,w,h,params`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError
from sfd2_ros.geometry.colmap_types import camera_from_model
from sfd2_ros.mapping.camera_file import camera_from_file
from sfd2_ros.mapping.manifest import MANIFEST
from sfd2_ros.mapping.map_store import load_map
from sfd2_ros.mapping.model_places import is_scene
from sfd2_ros.mapping.scene import camera_among, load_scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.core.types import Camera
    from sfd2_ros.mapping.image_list import ImageList

_ALLOWED = (
    "a scene folder, a map, a calibration file (camera_info YAML or ost.ini), or MODEL,w,h,params such as "
    "PINHOLE,640,480,500,500,320,240"
)


def camera_source(text: str) -> Callable[[str], Camera]:
    """Return a function from an image's name to its intrinsics.

    Args:
        text: a scene or a map (its image of that name, or its only camera); a calibration file
            (see `camera_file`); or a line of COLMAP's cameras.txt with commas,
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
    camera = camera_from_file(path) if path.is_file() else camera_from_text(text)
    return lambda _name: camera


def given_cameras(text: str | None, listed: ImageList) -> Callable[[str], Camera] | None:
    """Return where the intrinsics come from that a user gave with a source or in a list, or None.

    Args:
        text: see `camera_source`; None when no source was given.
        listed: images with or without intrinsics.

    Raises:
        CameraError: both give intrinsics, or see `camera_source`.
    """
    if listed.cameras and text is not None:
        raise CameraError(f"--camera {text!r} and the list of images both give intrinsics; give them once")
    if listed.cameras:
        return listed.cameras.__getitem__
    return None if text is None else camera_source(text)


def camera_from_text(text: str) -> Camera:
    """Read `MODEL,w,h,params`, the parameters in COLMAP's order and pixel centre.

    Raises:
        CameraError: malformed, or a model that is not supported.
    """
    model, *numbers = [part.strip() for part in text.split(",")]
    if len(numbers) < 2:
        raise CameraError(f"--camera {text!r} is no such file and no intrinsics; allowed: {_ALLOWED}")
    size, parameters = numbers[:2], numbers[2:]
    if not all(number.isdecimal() for number in size):
        got = ", ".join(map(repr, size))
        raise CameraError(f"--camera {text!r}: its width and height must be whole numbers of pixels, got {got}")
    try:
        values = [float(number) for number in parameters]
    except ValueError as err:
        raise CameraError(f"--camera {text!r}: its parameters must be numbers, got {','.join(parameters)!r}") from err
    return camera_from_model(model, int(size[0]), int(size[1]), values)
