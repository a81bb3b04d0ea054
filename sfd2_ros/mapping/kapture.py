# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of kapture: the text files below `sensors/`, beside the images in `sensors/records_data/`.

Poses transform from the world into a device, a camera or a rig; `rigs.txt` has the poses from a rig into its sensors.
Quaternions are w, x, y, z. Cameras are COLMAP's. Source: naver/kapture, kapture_format.adoc, version 1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.transforms import rigid_from_quaternion
from sfd2_ros.core.types import PosedImage
from sfd2_ros.geometry.colmap_types import camera_from_model
from sfd2_ros.mapping.text_lines import entries_of, read_lines

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.mapping.text_lines import Line

FILE = "sensors/sensors.txt"
IMAGES = "sensors/records_data"
_POSE = 7
"""Numbers of a pose."""
Poses = dict[tuple[str, str], "NDArray[np.float64]"]


def read_kapture(folder: Path) -> list[PosedImage]:
    """Read the images that have a pose; names are relative to `sensors/records_data/`.

    Raises:
        SceneError: a file is missing or malformed; names the line.
        CameraError: a camera model that is not supported.
    """
    sensors = folder / "sensors"
    cameras = _cameras(folder / FILE)
    rigs = _poses(sensors / "rigs.txt") if (sensors / "rigs.txt").is_file() else {}
    trajectories = _poses(sensors / "trajectories.txt")
    images = []
    for line in entries_of(read_lines(sensors / "records_camera.txt")):
        timestamp, device, name = _cells(line, 3)
        if device not in cameras:
            raise line.error(f"sensor {device!r} is no camera of {FILE}")
        pose = _cam_from_world(timestamp, device, trajectories, rigs)
        if pose is not None:
            images.append(PosedImage(name, cameras[device], pose))
    return images


def _cam_from_world(timestamp: str, device: str, trajectories: Poses, rigs: Poses) -> NDArray[np.float64] | None:
    """Return the pose of a camera by itself, or by the rig that carries it; None where there is none."""
    own = trajectories.get((timestamp, device))
    if own is not None:
        return own
    for (rig, sensor), sensor_from_rig in rigs.items():
        above = _cam_from_world(timestamp, rig, trajectories, {}) if sensor == device else None
        if above is not None:
            return sensor_from_rig @ above
    return None


def _cameras(path: Path) -> dict[str, Camera]:
    cameras = {}
    for line in entries_of(read_lines(path)):
        cells = [cell.strip() for cell in line.text.split(",")]
        if len(cells) < 3:
            raise line.error("sensor_device_id, name, sensor_type are needed")
        if cells[2] != "camera":
            continue
        if len(cells) < 6:
            raise line.error("a camera needs model, width, height and parameters")
        width, height = (line.whole_number_in(cell, name) for cell, name in zip(cells[4:6], ("w", "h"), strict=True))
        parameters = line.numbers_in(cells[6:], "parameter")
        cameras[cells[0]] = camera_from_model(cells[3], width, height, [float(value) for value in parameters])
    return cameras


def _poses(path: Path) -> Poses:
    """Return the poses of a file by their first two cells."""
    poses: Poses = {}
    for line in entries_of(read_lines(path)):
        first, second, *cells = _cells(line, 2 + _POSE)
        if not all(cells):  # kapture allows a position or an orientation alone
            continue
        w, x, y, z, *translation = line.numbers_in(cells, "pose")
        if abs(w * w + x * x + y * y + z * z - 1) > 0.01:
            raise line.error(f"quaternion {w:g} {x:g} {y:g} {z:g} has not length one; w, x, y, z are needed")
        poses[first, second] = rigid_from_quaternion([x, y, z, w], translation)
    return poses


def _cells(line: Line, count: int) -> list[str]:
    cells = [cell.strip() for cell in line.text.split(",")]
    if len(cells) != count:
        raise line.error(f"{len(cells)} values, {count} separated by commas are needed")
    return cells
