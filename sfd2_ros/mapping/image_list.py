# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of image names, one a line; those of hloc's queries give intrinsics behind each name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pycolmap

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.features.images import IMAGE_SUFFIXES
from sfd2_ros.geometry.colmap_types import camera_from_model

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.core.types import Camera

_MODELS = frozenset(pycolmap.CameraModelId.__members__) - {"INVALID"}
_SHOWN = 5


@dataclass(frozen=True)
class ImageList:
    """What a list says.

    Attributes:
        names: of the images, in its order.
        cameras: intrinsics by name, of all images or of none.
    """

    names: list[str]
    cameras: dict[str, Camera] = field(repr=False)


def read_image_list(path: Path) -> list[str]:
    """Read image names, one a line; empty lines and lines that begin with # are passed over.

    Raises:
        SceneError: the file is missing, names nothing, names an image twice, or gives intrinsics, which would be lost.
    """
    listed = read_query_list(path)
    if listed.cameras:
        raise SceneError(
            f"image list {str(path)!r} gives intrinsics, which come from elsewhere here; list the names alone"
        )
    return listed.names


def read_query_list(path: Path) -> ImageList:
    """Read image names, one a line, with or without intrinsics: `name`, or `name MODEL width height params...`.

    Args:
        path: of the list; the models and parameters are those of COLMAP's cameras.txt, with its pixel centre.

    Raises:
        SceneError: the file is missing, names nothing, names an image twice, gives intrinsics of some images only, or
            has something else behind the ending of a name; names the line.
        CameraError: a model that is not supported, or parameters that do not fit it; names the line.
    """
    try:
        # Editors on Windows begin such files with a byte order mark.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise SceneError(f"image list {str(path)!r} cannot be read: {reason}; name a text file in UTF-8") from err
    names: list[str] = []
    cameras: dict[str, Camera] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            name, camera = _parse(line, f"{path}:{number}")
            names.append(name)
            if camera is not None:
                cameras[name] = camera
    if not names:
        raise SceneError(f"image list {str(path)!r} names no image; one name a line is needed")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise SceneError(f"image list {str(path)!r} names images more than once: {some(repeated)}")
    if cameras and len(cameras) < len(names):
        without = [name for name in names if name not in cameras]
        raise SceneError(
            f"image list {str(path)!r} gives intrinsics of {len(cameras)} images and none of {len(without)}: "
            f"{some(without)}; give all or none"
        )
    return ImageList(names, cameras)


def some(names: list[str], count: int = _SHOWN) -> str:
    """Return the first of many names as they stand in a message."""
    shown = ", ".join(names[:count])
    return shown if len(names) <= count else f"{shown}, ... and {len(names) - count} more"


def _parse(line: str, where: str) -> tuple[str, Camera | None]:
    """Return the name in a line, which may hold spaces, and the intrinsics behind it."""
    fields = line.split()
    places = [place for place in range(1, len(fields) - 2) if fields[place] in _MODELS]
    if not places:
        _reject_mistyped(fields, where)
        return line, None
    place = places[-1]
    try:
        width, height = int(fields[place + 1]), int(fields[place + 2])
        params = [float(each) for each in fields[place + 3 :]]
    except ValueError:  # a name that has such a word in it
        _reject_mistyped(fields, where)
        return line, None
    try:
        camera = camera_from_model(fields[place], width, height, params)
    except CameraError as err:
        raise CameraError(f"{where}: {err}") from err
    return line.rsplit(maxsplit=len(fields) - place)[0], camera


def _reject_mistyped(fields: list[str], where: str) -> None:
    """Reject a line that goes on behind the ending of an image's name: its intrinsics are mistyped."""
    ends = [place for place, one in enumerate(fields, start=1) if one.lower().endswith(IMAGE_SUFFIXES)]
    if ends and ends[-1] < len(fields):
        name, behind = " ".join(fields[: ends[-1]]), fields[ends[-1] :]
        raise SceneError(
            f"{where}: {_mistyped(behind)}; behind {name!r}, MODEL width height params or nothing is allowed"
        )


def _mistyped(behind: list[str]) -> str:
    model, *numbers = behind
    if model not in _MODELS:
        return f"{model!r} is no camera model of COLMAP; PINHOLE, OPENCV, ... are"
    if len(numbers) < 2:
        return "width and height are missing"
    for size in numbers[:2]:
        if not size.isdecimal():
            return f"image size {size!r} is no whole number of pixels"
    wrong = next((one for one in numbers[2:] if not _is_number(one)), None)
    if wrong is None:
        return "the intrinsics cannot be read"
    return (
        f"{wrong!r} has a decimal comma; write a decimal point" if "," in wrong else f"parameter {wrong!r} is no number"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
