# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the miniature copies of the benchmarks share: rendered pictures as JPEG, and the lines of their models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.datasets.benchmarks.miniature import MARKER
from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.colmap_types import colmap_camera
from sfd2_ros.mapping.colmap_io import wxyz_from_pose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.simulation.drive import DriveConfig, Frame
    from sfd2_ros.core.types import Camera

_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class Taken:
    """A picture that was written.

    Attributes:
        name: as the data set calls it.
        camera: intrinsics.
        cam_from_world: (4, 4).
        index: of its instant in the drive.
        number: of the drive; 0: a reference image.
        condition: of the simulator.
    """

    name: str
    camera: Camera
    cam_from_world: NDArray[np.float64]
    index: int
    number: int
    condition: str


def take(folder: Path, name: str, frame: Frame, drive: DriveConfig, number: int) -> Taken:
    """Write a frame as a JPEG of that name below a folder, and return what was written."""
    write_picture(folder / name, frame)
    return Taken(name, frame.camera.camera, inverse(frame.map_from_cam), frame.index, number, drive.condition)


def parted(taken: Sequence[Taken]) -> tuple[list[Taken], list[Taken]]:
    """Return the reference images and the queries."""
    return [image for image in taken if image.number == 0], [image for image in taken if image.number]


def write_picture(path: Path, frame: Frame) -> None:
    """Write a frame as JPEG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(
        ".jpg", np.ascontiguousarray(frame.image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    path.write_bytes(encoded[1].tobytes())


def centre_line(picture: Taken) -> str:
    """Return `qw qx qy qz cx cy cz`: rotation world to camera, and position of the camera."""
    rotation = wxyz_from_pose(picture.cam_from_world)[:4]
    return " ".join(f"{value:.12f}" for value in (*rotation, *inverse(picture.cam_from_world)[:3, 3]))


def write_nvm(path: Path, pictures: Iterable[Taken], *, suffix: str = ".jpg", prefix: str = "") -> None:
    """Write an NVM model without points.

    Args:
        path: of the file; its folder is made.
        pictures: of the model.
        suffix: that the model has in place of .jpg.
        prefix: before every name.
    """
    lines = [
        f"{prefix}{one.name.removesuffix('.jpg')}{suffix} {one.camera.fx:.6f} {centre_line(one)} 0.000000 0\n"
        for one in pictures
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"NVM_V3 \n\n{len(lines)}\n{''.join(lines)}\n0\n", encoding="utf-8")


def intrinsics_line(name: str, camera: Camera, model: str) -> str:
    """Return `name MODEL width height parameters` with COLMAP's pixel centre.

    Args:
        name: of the image or the camera.
        camera: without distortion.
        model: "SIMPLE_RADIAL" or "OPENCV".
    """
    fx, fy, cx, cy = colmap_camera(camera).params
    values = (fx, cx, cy, 0.0) if model == "SIMPLE_RADIAL" else (fx, fy, cx, cy, 0.0, 0.0, 0.0, 0.0)
    numbers = " ".join(f"{value:.6f}" for value in values)
    return f"{name} {model} {camera.width} {camera.height} {numbers}\n"


def write_miniature_file(
    folder: Path, layout: str, size: tuple[int, int], truth: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write mini.json.

    Args:
        folder: of the copy.
        layout: name of the data set that is copied.
        size: (w, h) of all images.
        truth: cam_from_world of the queries by name.
    """
    content = {"as": layout, "size": list(size), "truth": {name: wxyz_from_pose(pose) for name, pose in truth.items()}}
    (folder / MARKER).write_text(json.dumps(content), encoding="utf-8")
