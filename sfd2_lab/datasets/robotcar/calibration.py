# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The calibration files of the RobotCar development kit: camera models, undistortion tables, mounts.

Source: robotcar-dataset-sdk (its files and how its samples use them). In its frames x is ahead, y right, z down. The
file of a camera's mount is camera_from_vehicle; that of the INS is vehicle_from_ins. The fourth to seventh line of a
camera model take the optical frame to the camera's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.problems import numbers_in, read_lines
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.core.types import Camera

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# REP 103: x ahead, y left, z up, at the origin of the kit's vehicle frame, where the stereo camera is.
BASE_FROM_VEHICLE = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class CameraFiles:
    """Where what belongs to one camera lies.

    Attributes:
        name: short, for topics, frames and folders of images.
        images: folder of its images, below the sequence.
        timestamps: its list of times, below the sequence.
        model: of the kit's models/.
        mount: of the kit's extrinsics/.
        bayer: colours of the four top-left pixels, by rows.
    """

    name: str
    images: str
    timestamps: str
    model: str
    mount: str
    bayer: str


def _mono(name: str) -> CameraFiles:
    full = f"mono_{name}"
    return CameraFiles(name, full, f"{full}.timestamps", full, full, "rggb")


def _stereo(name: str, model: str) -> CameraFiles:
    return CameraFiles(f"stereo_{name}", f"stereo/{name}", "stereo.timestamps", model, "stereo", "gbrg")


CAMERAS = {
    camera.name: camera
    for camera in (
        _mono("left"),
        _mono("rear"),
        _mono("right"),
        _stereo("left", "stereo_wide_left"),
        _stereo("centre", "stereo_narrow_left"),
        _stereo("right", "stereo_wide_right"),
    )
}


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is known of one camera.

    Attributes:
        camera: intrinsics of the undistorted image.
        distorted_x: (h, w) float32, where in the raw image each undistorted pixel lies, pixels from 0.
        distorted_y: (h, w) float32, likewise.
        base_from_cam: (4, 4) its optical frame on the vehicle, metres; see `BASE_FROM_VEHICLE`.
    """

    camera: Camera
    distorted_x: NDArray[np.float32]
    distorted_y: NDArray[np.float32]
    base_from_cam: NDArray[np.float64]


def read_calibration(kit: Path, files: CameraFiles, size: tuple[int, int]) -> Calibration:
    """Read the three files of a camera.

    Args:
        kit: folder of the development kit, with models/ and extrinsics/.
        files: of the camera.
        size: (w, h) of its images.

    Raises:
        DatasetError: a file is missing, cut, or for images of another size.
    """
    path = kit / "models" / f"{files.model}.txt"
    lines = read_lines(path)
    if len(lines) != 5:
        raise DatasetError(f"{str(path)!r} has {len(lines)} lines, 5 are needed: intrinsics and four rows of a matrix")
    fx, fy, cx, cy = numbers_in(lines[0], 4, f"{path}:1")
    camera_from_optical = np.array(
        [numbers_in(line, 4, f"{path}:{number}") for number, line in enumerate(lines[1:], start=2)]
    )
    table = _read_table(kit / "models" / f"{files.model}_distortion_lut.bin", size)
    camera_from_vehicle = read_mount(kit / "extrinsics" / f"{files.mount}.txt")
    return Calibration(
        Camera(*size, fx, fy, cx, cy),
        np.ascontiguousarray(table[0], dtype=np.float32),
        np.ascontiguousarray(table[1], dtype=np.float32),
        BASE_FROM_VEHICLE @ inverse(camera_from_vehicle) @ camera_from_optical,
    )


def read_mount(path: Path) -> NDArray[np.float64]:
    """Read a file of extrinsics/: x y z roll pitch yaw, metres and radians, as a (4, 4) matrix.

    Raises:
        DatasetError: it is missing, or has not six numbers.
    """
    lines = read_lines(path)
    if len(lines) != 1:
        raise DatasetError(f"{str(path)!r} has {len(lines)} lines, one with x y z roll pitch yaw is needed")
    return matrix_from_euler(numbers_in(lines[0], 6, str(path)))


def matrix_from_euler(xyz_rpy: list[float]) -> NDArray[np.float64]:
    """Return the (4, 4) matrix of x y z (metres) and roll pitch yaw (radians): yaw after pitch after roll."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(xyz_rpy[3:]), np.cos(xyz_rpy[3:])
    rotation = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return rigid(rotation, xyz_rpy[:3])


def euler_from_matrix(matrix: NDArray[np.float64]) -> list[float]:
    """Return x y z roll pitch yaw of a (4, 4) matrix; the inverse of `matrix_from_euler`."""
    rotation = matrix[:3, :3]
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    roll, yaw = np.arctan2(rotation[2, 1], rotation[2, 2]), np.arctan2(rotation[1, 0], rotation[0, 0])
    return [float(value) for value in (*matrix[:3, 3], roll, pitch, yaw)]


def _read_table(path: Path, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return (2, h, w): all x, then all y, by rows."""
    width, height = size
    needed = 2 * width * height * 8
    try:
        length = path.stat().st_size
    except OSError as err:
        raise DatasetError(f"{str(path)!r} cannot be read: {err.strerror}; it comes with the development kit") from err
    if length != needed:
        raise DatasetError(
            f"{str(path)!r} has {length} bytes, {needed} are needed for images of {width}x{height}; is it cut (or a "
            "Git LFS pointer), or are the images scaled?"
        )
    table = np.fromfile(path, dtype="<f8").reshape(2, height, width)
    if not np.all(np.isfinite(table)):
        raise DatasetError(f"{str(path)!r} holds values that are not finite; copy it again from the kit")
    return table
