# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses in VisualSFM's NVM files, as the benchmarks distribute their reference models.

A line a camera: name, focal length, rotation qw qx qy qz (world to camera), position, radial distortion, 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.problems import numbers_in
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.transforms import rigid_from_quaternion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from numpy.typing import NDArray

_NUMBERS = 10


def read_nvm_poses(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read cam_from_world (4, 4) of each camera by the name of its image; a leading ./ is dropped.

    The points are not kept, but counted: a file that is cut in them is rejected too.

    Raises:
        DatasetError: the file is missing, malformed or cut.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = _filled(file)
            header = next(lines, "")
            if not header.startswith("NVM_V3"):
                raise DatasetError(f"{str(path)!r} begins with {header[:20]!r}, NVM_V3 is needed; is it an NVM file?")
            poses = dict(_camera(line, str(path)) for line in _counted(lines, str(path), "cameras"))
            for _ in _counted(lines, str(path), "points"):
                pass
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is no text"
        raise DatasetError(f"{str(path)!r} cannot be read: {reason}; copy it again from the data set") from err
    if not poses:
        raise DatasetError(f"{str(path)!r} has no cameras; copy it again from the data set")
    return poses


def _filled(file: TextIO) -> Iterator[str]:
    return (line for line in file if not line.isspace())


def _counted(lines: Iterator[str], where: str, kind: str) -> Iterator[str]:
    """Yield as many lines as the next line says."""
    text = next(lines, "").strip()
    if not text.isdigit():
        raise DatasetError(f"{where} has {text[:20]!r} where the number of {kind} is needed; is it cut?")
    for number in range(int(text)):
        line = next(lines, None)
        if line is None:
            raise DatasetError(f"{where} ends after {number} of {text} {kind}; it is cut, copy it again")
        yield line


def _camera(line: str, where: str) -> tuple[str, NDArray[np.float64]]:
    name, _, rest = line.strip().replace("\t", " ").partition(" ")
    _focal, qw, qx, qy, qz, *centre = numbers_in(rest, _NUMBERS, f"{where}: camera {name!r}")[:8]
    return name.removeprefix("./"), pose_of_centre([qw, qx, qy, qz], centre, f"{where}: camera {name!r}")


def pose_of_centre(wxyz: list[float], centre: list[float], where: str) -> NDArray[np.float64]:
    """Return cam_from_world (4, 4) of a rotation world to camera and the position of the camera.

    Raises:
        DatasetError: it is no rotation.
    """
    try:
        pose = rigid_from_quaternion([*wxyz[1:], wxyz[0]], np.zeros(3))
    except ValueError as err:
        raise DatasetError(f"{where}: {err}") from err
    pose[:3, 3] = -pose[:3, :3] @ np.asarray(centre)
    return pose
