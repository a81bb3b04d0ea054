# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The text files of the benchmarks: names with intrinsics, names with poses, pairs of names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.benchmarks.nvm import pose_of_centre
from sfd2_lab.datasets.problems import numbers_in, read_lines
from sfd2_ros.core.errors import CameraError, DatasetError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.colmap_types import camera_from_model
from sfd2_ros.mapping.colmap_io import pose_from_wxyz

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

    Poses = dict[str, NDArray[np.float64]]


def read_names(path: Path) -> list[str]:
    """Return the first word of each line, comments left out.

    Raises:
        DatasetError: the file is missing, or names nothing.
    """
    names = [line.split()[0] for line in read_lines(path) if not line.startswith("#")]
    if not names:
        raise DatasetError(f"{str(path)!r} names nothing; copy it again from the data set")
    return names


def read_intrinsics(path: Path) -> dict[str, Camera]:
    """Read `name MODEL width height parameters` a line, COLMAP's models and pixel centre.

    Raises:
        DatasetError: the file is missing or a line is malformed; names the line.
    """
    cameras: dict[str, Camera] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("#"):
            continue
        name, *rest = line.split()
        try:
            model, width, height, *values = rest
            cameras[name] = camera_from_model(model, int(width), int(height), [float(value) for value in values])
        except (ValueError, CameraError) as err:
            raise DatasetError(
                f"{path}:{number}: {line!r} is not `name MODEL width height parameters`: {err}; is it cut?"
            ) from err
    if not cameras:
        raise DatasetError(f"{str(path)!r} has no intrinsics; copy it again from the data set")
    return cameras


def read_centre_poses(path: Path) -> Poses:
    """Read `name qw qx qy qz cx cy cz` a line: rotation world to camera and **position** of the camera.

    Returns:
        cam_from_world by name.

    Raises:
        DatasetError: the file is missing or a line is malformed; names the line.
    """
    return {
        name: pose_of_centre(values[:4], values[4:], where) for name, values, where in _named_numbers(path, count=7)
    }


def read_matrix_poses(path: Path) -> Poses:
    """Read a name and 16 numbers a line, the rows of world_from_cam (4, 4).

    Returns:
        cam_from_world by name.

    Raises:
        DatasetError: the file is missing or a line is malformed; names the line.
    """
    poses: Poses = {}
    for name, values, where in _named_numbers(path, count=16):
        world_from_cam = np.array(values).reshape(4, 4)
        rotation = world_from_cam[:3, :3]
        if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
            raise DatasetError(f"{where}: the matrix of {name!r} is no rotation and translation; is the line cut?")
        poses[name] = inverse(world_from_cam)
    return poses


def read_colmap_poses(path: Path) -> Poses:
    """Read the poses of COLMAP's images.txt, without its keypoints, which are many and not needed.

    Returns:
        cam_from_world by name.

    Raises:
        DatasetError: the file is missing or a line is malformed; names the image.
    """
    poses: Poses = {}
    try:
        with path.open(encoding="utf-8") as file:
            lines = (line for line in file if not line.startswith("#"))
            for line in lines:
                if not line.strip():
                    continue
                _, *numbers, _camera_id, name = line.split(maxsplit=9)
                poses[name.strip()] = pose_from_wxyz([float(number) for number in numbers])
                next(lines, None)
    except (OSError, ValueError) as err:
        raise DatasetError(f"{str(path)!r} is no images.txt of COLMAP: {err}; is it cut?") from err
    if not poses:
        raise DatasetError(f"{str(path)!r} has no images; copy it again from the data set")
    return poses


def read_pairs(path: Path) -> dict[str, list[str]]:
    """Read `query reference` a line, as retrieval lists are published: references of each query, best first.

    Raises:
        DatasetError: the file is missing, or a line has not two names.
    """
    pairs: dict[str, list[str]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        names = line.split()
        if len(names) != 2:
            raise DatasetError(f"{path}:{number}: {line!r} is not two names, of a query and a reference")
        pairs.setdefault(names[0], []).append(names[1])
    return pairs


def _named_numbers(path: Path, *, count: int) -> Iterator[tuple[str, list[float], str]]:
    """Yield of each line its name, its numbers, and where it is for messages."""
    for number, line in enumerate(read_lines(path), start=1):
        name, _, rest = line.partition(" ")
        where = f"{path}:{number}"
        yield name, numbers_in(rest, count, where), where
