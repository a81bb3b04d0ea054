# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature RobotCar: sequences with raw mosaics through a distorting lens, and the development kit that fits them.

What is like the original: names of folders and files, times in microseconds, mosaics, tables, matrices, columns of the
CSV files. What is not: the lens is a plain radial one, all three cameras expose at one instant, and INS, RTK and poses
are exact.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.datasets.robotcar.calibration import BASE_FROM_VEHICLE, CAMERAS, euler_from_matrix
from sfd2_ros.core.transforms import inverse, rigid
from support.miniatures.pictures import Taken
from support.miniatures.robotcar_motion import INS_MOUNT, write_motion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from sfd2_lab.simulation.rigs import RigCamera
    from sfd2_ros.core.types import Camera

# Conditions of the simulator and the sequence of RobotCar that was driven under such; days as in RobotCar-Seasons.
SEQUENCES = {
    "overcast": "2014-11-28-12-07-13",
    "dawn": "2014-12-16-09-14-09",
    "dusk": "2015-02-20-16-34-06",
    "night": "2014-12-10-18-10-50",
    "night_rain": "2014-12-17-18-18-43",
    "autumn": "2015-05-22-11-14-30",
    "winter": "2015-11-13-10-28-08",
    "rain": "2014-11-25-09-18-32",
    "snow": "2015-02-03-08-45-10",
    "sun": "2015-03-10-14-18-10",
}
KIT = "robotcar-dataset-sdk"
# The kit's vehicle frame is where its stereo camera is: a metre ahead of the simulator's base, at 1.5 m.
SIMULATED_FROM_BASE = rigid(np.eye(3), [1.0, 0.0, 1.5])

_LENS = 0.08  # Of a ray's tangent t in the raw picture, t (1 + _LENS t^2) is that of the pinhole.
_CAMERA_FROM_OPTICAL = np.array([[0.0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
_IMAGES_PER_CHUNK = 100


class RobotCar:
    """The layout of RobotCar: sequences, and the development kit beside them."""

    rig = "robotcar"

    def __init__(self, world: World) -> None:
        self._world = world

    def write_image(self, folder: Path, frame: Frame, drive: DriveConfig, number: int) -> Taken:
        """Write the raw mosaic of an image."""
        files = CAMERAS[frame.camera.name]
        stamp_us = frame.stamp_ns // 1000 + self._shift_us(drive)
        target = folder / SEQUENCES[drive.condition] / files.images / f"{stamp_us}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(target), mosaic(through_lens(frame.image, frame.camera.camera), files.bayer))
        pose = inverse(frame.map_from_cam)
        return Taken(f"{frame.camera.name}/{stamp_us}", frame.camera.camera, pose, frame.index, number, drive.condition)

    def write_lists(self, folder: Path, drives: Sequence[DriveConfig], taken: Sequence[Taken]) -> None:
        """Write the kit, and times and motion of each sequence."""
        _write_kit(folder / KIT, self._world.rig(drives[0]))
        for drive in drives:
            sequence = [image for image in taken if image.condition == drive.condition]
            self._write_sequence(folder / SEQUENCES[drive.condition], drive, sequence)

    def _write_sequence(self, folder: Path, drive: DriveConfig, taken: Sequence[Taken]) -> None:
        poses, stamps_ns = self._world.poses(drive)
        shift_us = self._shift_us(drive)
        listed: dict[str, list[str]] = {mounted.name: [] for mounted in self._world.rig(drive)}
        for image in taken:
            camera, stamp_us = image.name.split("/")
            listed[camera].append(stamp_us)
        for camera, stamps in listed.items():
            lines = [f"{stamp} {1 + number // _IMAGES_PER_CHUNK}\n" for number, stamp in enumerate(stamps)]
            (folder / CAMERAS[camera].timestamps).write_text("".join(lines), encoding="utf-8")
        map_from_base = [pose @ SIMULATED_FROM_BASE for pose in poses]
        write_motion(folder, map_from_base, [stamp + shift_us * 1000 for stamp in stamps_ns], drive)

    def _shift_us(self, drive: DriveConfig) -> int:
        """Return what brings the first stamp of a simulated drive to the beginning of its sequence."""
        began = datetime.strptime(SEQUENCES[drive.condition], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=timezone.utc)
        return round(began.timestamp() * 1e6) - self._world.poses(drive)[1][0] // 1000


def through_lens(picture: NDArray[np.uint8], camera: Camera) -> NDArray[np.uint8]:
    """Return what the distorting lens makes of a pinhole picture; black where the pinhole does not see."""
    rows, columns = np.indices((camera.height, camera.width), dtype=np.float64)
    x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
    stretch = 1 + _LENS * (x**2 + y**2)
    seen_x = (x * stretch * camera.fx + camera.cx).astype(np.float32)
    seen_y = (y * stretch * camera.fy + camera.cy).astype(np.float32)
    return np.asarray(cv2.remap(picture, seen_x, seen_y, cv2.INTER_LINEAR), dtype=np.uint8)


def mosaic(picture: NDArray[np.uint8], bayer: str) -> NDArray[np.uint8]:
    """Keep of each pixel of an RGB picture the one colour that the sensor has there: (h, w) uint8."""
    raw = np.empty(picture.shape[:2], np.uint8)
    for place, colour in enumerate(bayer):
        row, column = divmod(place, 2)
        raw[row::2, column::2] = picture[row::2, column::2, "rgb".index(colour)]
    return raw


def _write_kit(kit: Path, rig: Sequence[RigCamera]) -> None:
    for part in ("models", "extrinsics"):
        (kit / part).mkdir(parents=True)
    ins = " ".join(f"{value:.4f}" for value in INS_MOUNT)
    (kit / "extrinsics" / "ins.txt").write_text(f"{ins}\n", encoding="utf-8")
    (kit / "extrinsics" / "stereo.txt").write_text("0 0 0 0 0 0\n", encoding="utf-8")
    for mounted in rig:
        files, camera = CAMERAS[mounted.name], mounted.camera
        base_from_cam = inverse(SIMULATED_FROM_BASE) @ mounted.base_from_cam
        camera_from_vehicle = _CAMERA_FROM_OPTICAL @ inverse(base_from_cam) @ BASE_FROM_VEHICLE
        mount = " ".join(f"{value:.6f}" for value in euler_from_matrix(camera_from_vehicle))
        (kit / "extrinsics" / f"{files.mount}.txt").write_text(f"{mount}\n", encoding="utf-8")
        rows = [(camera.fx, camera.fy, camera.cx, camera.cy), *_CAMERA_FROM_OPTICAL.tolist()]
        text = "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
        (kit / "models" / f"{files.model}.txt").write_text(text, encoding="utf-8")
        lens_table(camera).astype("<f8").tofile(kit / "models" / f"{files.model}_distortion_lut.bin")


def lens_table(camera: Camera) -> NDArray[np.float64]:
    """Return (2, h, w), x and y, where in the raw picture each pixel of the undistorted one lies."""
    rows, columns = np.indices((camera.height, camera.width), dtype=np.float64)
    x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
    wanted = np.hypot(x, y)
    raw = wanted.copy()
    for _ in range(30):  # Newton's method on raw (1 + _LENS raw^2) = wanted
        raw -= (raw * (1 + _LENS * raw**2) - wanted) / (1 + 3 * _LENS * raw**2)
    shrink = np.divide(raw, wanted, out=np.ones_like(raw), where=wanted > 0)
    return np.stack([x * shrink * camera.fx + camera.cx, y * shrink * camera.fy + camera.cy])
