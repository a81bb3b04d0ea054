# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of nerfstudio, instant-ngp and NeRF: `transforms.json`.

A frame has the pose world_from_cam with the camera axes of OpenGL (x right, y up, z back). Intrinsics stand in the file
or in each frame, in pixels, with the outer corner of the top-left pixel at 0, as in COLMAP.
Source: docs.nerf.studio, Data conventions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.geometry.colmap_types import PIXEL_CENTRE_PX
from sfd2_ros.mapping.json_entries import Entry, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "transforms.json"
_OPTICAL_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_INTRINSICS = (
    "camera_model", "is_fisheye", "w", "h", "fl_x", "fl_y", "cx", "cy", "camera_angle_x",
    *(f"k{i}" for i in range(1, 7)), "p1", "p2",
)  # fmt: skip
_ROTATION_TOLERANCE = 1e-3
"""Of R R^T from the identity: files have six digits and more. A scaled rotation differs by far more. Not tuned."""


def read_nerfstudio(folder: Path) -> list[PosedImage]:
    """Read the images of a `transforms.json`; names are relative to the folder.

    Raises:
        SceneError: the file is malformed, or a pose is no rigid motion.
        CameraError: intrinsics that are missing or not supported.
    """
    path = folder / FILE
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, dict) else None
    if not isinstance(frames, list) or not frames:
        raise SceneError(f"{str(path)!r} has no frames; a file of nerfstudio, instant-ngp or NeRF is needed")
    shared = {key: content[key] for key in _INTRINSICS if key in content}
    images = []
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict):
            raise SceneError(f"{str(path)!r}, frame {number}: {str(frame)[:80]} is no object")
        entry = Entry(path, f"frame {number}", {**shared, **frame})
        images.append(PosedImage(_name(entry, folder), _camera(entry), _cam_from_world(entry)))
    return images


def _name(entry: Entry, folder: Path) -> str:
    name = entry.text("file_path").replace("\\", "/").removeprefix("./")
    # The first files of NeRF leave the suffix out.
    return name if (folder / name).is_file() or not (folder / f"{name}.png").is_file() else f"{name}.png"


def _cam_from_world(entry: Entry) -> NDArray[np.float64]:
    world_from_opengl = np.reshape(entry.numbers("transform_matrix", 16), (4, 4))
    rotation = world_from_opengl[:3, :3]
    is_rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_TOLERANCE) and np.linalg.det(rotation) > 0
    if not is_rigid or not np.allclose(world_from_opengl[3], [0, 0, 0, 1]):
        raise entry.error(
            "'transform_matrix' is no rotation and translation (rows, metres); scale the translation, not the rotation"
        )
    left, _, right = np.linalg.svd(rotation)
    world_from_opengl[:3, :3] = left @ right
    return _OPTICAL_FROM_OPENGL @ inverse(world_from_opengl)


def _camera(entry: Entry) -> Camera:
    width, height = entry.whole_number("w"), entry.whole_number("h")
    if entry.has("fl_x") or not entry.has("camera_angle_x"):
        fx = entry.number("fl_x")
    else:
        fx = width / 2 / math.tan(entry.number("camera_angle_x") / 2)
    model, distortion = _lens(entry)
    return Camera(
        width=width,
        height=height,
        fx=fx,
        fy=entry.number("fl_y", fx),
        cx=entry.number("cx", width / 2) - PIXEL_CENTRE_PX,
        cy=entry.number("cy", height / 2) - PIXEL_CENTRE_PX,
        distortion_model=model,
        distortion=distortion,
    )


def _lens(entry: Entry) -> tuple[str, tuple[float, ...]]:
    """Return distortion model and coefficients."""
    k1, k2, k3, k4, k5, k6 = (entry.number(f"k{i}", 0.0) for i in range(1, 7))
    p1, p2 = entry.number("p1", 0.0), entry.number("p2", 0.0)
    named = entry.text("camera_model", "OPENCV_FISHEYE" if entry.values.get("is_fisheye") else "OPENCV")
    if named == "OPENCV_FISHEYE":
        return "equidistant", (k1, k2, k3, k4)
    if named not in {"OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "PERSPECTIVE"}:
        raise entry.error(f"camera_model {named!r} is not supported; allowed: OPENCV, OPENCV_FISHEYE, PINHOLE")
    if any((k4, k5, k6)):
        return "rational_polynomial", (k1, k2, p1, p2, k3, k4, k5, k6)
    return ("plumb_bob", (k1, k2, p1, p2, k3)) if any((k1, k2, k3, p1, p2)) else ("none", ())
