# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes gps/ins.csv, gps/rtk.csv and vo/vo.csv of a miniature RobotCar."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.robotcar.calibration import BASE_FROM_VEHICLE, euler_from_matrix, matrix_from_euler
from sfd2_lab.datasets.robotcar.trajectory import ORIGIN_EASTING_M, ORIGIN_NORTHING_M
from sfd2_lab.simulation.odometry import between, drifting
from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.simulation.drive import DriveConfig

INS_PER_FRAME, ODOMETRY_PER_FRAME = 12, 4
INS_MOUNT = [-1.7, 0.1, 1.2, -0.01, 0.04, 0.005]
"""Of the INS in the kit's vehicle frame: x y z roll pitch yaw, metres and radians."""
_INS_HEADER = (
    "timestamp,ins_status,latitude,longitude,altitude,northing,easting,down,utm_zone,velocity_north,velocity_east,"
    "velocity_down,roll,pitch,yaw"
)
_RTK_HEADER = _INS_HEADER.replace("ins_status,", "")
_VO_HEADER = "source_timestamp,destination_timestamp,x,y,z,roll,pitch,yaw"
_NED_FROM_ENU = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])
_NS_PER_US = 1000
# Of the origin of the map, degrees; nothing reads them.
_LATITUDE, _LONGITUDE = 51.7520, -1.2600


def write_motion(
    folder: Path, map_from_base: Sequence[NDArray[np.float64]], stamps_ns: Sequence[int], drive: DriveConfig
) -> None:
    """Write the motion of a drive: INS at twelve times the rate of the pictures, RTK the same, odometry at four times.

    Args:
        folder: of the sequence.
        map_from_base: (4, 4) at each picture; base at the kit's vehicle frame, x ahead, y left, z up.
        stamps_ns: of the pictures.
        drive: its seeds decide how odometry drifts.
    """
    for part in ("gps", "vo"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    poses, stamps = between(map_from_base, stamps_ns, INS_PER_FRAME)
    rows = [_absolute_row(pose, stamp // _NS_PER_US) for pose, stamp in zip(poses, stamps, strict=True)]
    ins = [f"{stamp},INS_SOLUTION_GOOD,{rest}\n" for stamp, rest in rows]
    rtk = [f"{stamp},{rest}\n" for stamp, rest in rows]
    (folder / "gps" / "ins.csv").write_text("".join([f"{_INS_HEADER}\n", *ins]), encoding="utf-8")
    (folder / "gps" / "rtk.csv").write_text("".join([f"{_RTK_HEADER}\n", *rtk]), encoding="utf-8")
    poses, stamps = between(map_from_base, stamps_ns, ODOMETRY_PER_FRAME)
    moved = drifting(poses, drive.seed * 1000 + drive.session)
    lines = [
        _relative_row(earlier, later, first // _NS_PER_US, second // _NS_PER_US)
        for (earlier, later), (first, second) in zip(itertools.pairwise(moved), itertools.pairwise(stamps), strict=True)
    ]
    (folder / "vo" / "vo.csv").write_text("".join([f"{_VO_HEADER}\n", *lines]), encoding="utf-8")


def _absolute_row(map_from_base: NDArray[np.float64], stamp_us: int) -> tuple[int, str]:
    ned_from_ins = _NED_FROM_ENU @ map_from_base @ BASE_FROM_VEHICLE @ matrix_from_euler(INS_MOUNT)
    north, east, down, *angles = euler_from_matrix(ned_from_ins)
    place = f"{_LATITUDE:.7f},{_LONGITUDE:.7f},{-down:.6f}"
    grid = f"{north + ORIGIN_NORTHING_M:.6f},{east + ORIGIN_EASTING_M:.6f},{down:.6f},30U,0.000000,0.000000,0.000000"
    return stamp_us, f"{place},{grid}," + ",".join(f"{angle:.9f}" for angle in angles)


def _relative_row(earlier: NDArray[np.float64], later: NDArray[np.float64], first_us: int, second_us: int) -> str:
    """Return the row whose source is the later time, as in the original."""
    moved = euler_from_matrix(BASE_FROM_VEHICLE @ inverse(earlier) @ later @ BASE_FROM_VEHICLE)
    return f"{second_us},{first_us}," + ",".join(f"{value:.9f}" for value in moved) + "\n"
