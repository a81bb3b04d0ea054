# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the car was: ins.csv, rtk.csv and vo.csv as poses by REP 103, interpolated."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.robotcar.calibration import BASE_FROM_VEHICLE, matrix_from_euler
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.transforms import inverse, rotation_from_vector, vector_from_rotation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NS_PER_US = 1000
ORIGIN_NORTHING_M, ORIGIN_EASTING_M = 5_735_000.0, 620_000.0
"""Where `map` begins, in zone 30U of UTM: south-west of Oxford's centre, one origin for all sequences."""

# Other statuses of the receiver: aligning, high variance, dead reckoning alone.
_STATUS_COLUMN, _GOOD = "ins_status", "INS_SOLUTION_GOOD"
_POSE_COLUMNS = ("northing", "easting", "down", "roll", "pitch", "yaw")
_RELATIVE_COLUMNS = ("x", "y", "z", "roll", "pitch", "yaw")
# East, north, up from north, east, down.
_ENU_FROM_NED = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Poses over time.

    Attributes:
        stamps_ns: (N,) int64, ascending.
        poses: (N, 4, 4) frame_from_base, metres.
        gaps: how often the file does not say how the car moved on.
    """

    stamps_ns: NDArray[np.int64]
    poses: NDArray[np.float64]
    gaps: int = 0

    def at(self, stamp_ns: int, longest_gap_ns: int) -> NDArray[np.float64] | None:
        """Return the pose (4, 4) at a time; None outside the samples, or in a longer gap between two."""
        after = int(np.searchsorted(self.stamps_ns, stamp_ns))
        if after < len(self.stamps_ns) and self.stamps_ns[after] == stamp_ns:
            pose: NDArray[np.float64] = self.poses[after]
            return pose
        if after == 0 or after == len(self.stamps_ns):
            return None
        start, end = int(self.stamps_ns[after - 1]), int(self.stamps_ns[after])
        if end - start > longest_gap_ns:
            return None
        first, second = self.poses[after - 1], self.poses[after]
        share = (stamp_ns - start) / (end - start)
        between: NDArray[np.float64] = first.copy()
        between[:3, :3] = first[:3, :3] @ rotation_from_vector(vector_from_rotation(inverse(first) @ second) * share)
        between[:3, 3] += share * (second[:3, 3] - first[:3, 3])
        return between


def read_absolute(path: Path, vehicle_from_ins: NDArray[np.float64]) -> Trajectory:
    """Read ins.csv or rtk.csv as map_from_base: x east, y north, z up from `ORIGIN_...`.

    Rows that the INS itself does not call good are left out: no truth is told there.

    Args:
        path: of the file.
        vehicle_from_ins: (4, 4) from the kit's extrinsics/ins.txt.

    Raises:
        DatasetError: it is missing, cut, its times go backwards, or no row is good.
    """
    stamps, rows = _read_columns(path, ("timestamp",), _POSE_COLUMNS)
    origin = np.array([ORIGIN_NORTHING_M, ORIGIN_EASTING_M, 0.0, 0.0, 0.0, 0.0])
    base_from_ins = BASE_FROM_VEHICLE @ vehicle_from_ins
    ned_from_ins = [matrix_from_euler(row) for row in (rows - origin).tolist()]
    poses = np.array([_ENU_FROM_NED @ each @ inverse(base_from_ins) for each in ned_from_ins])
    return _ascending(path, stamps[:, 0], poses)


def read_odometry(path: Path) -> Trajectory:
    """Read vo.csv as odom_from_base; the first pose is the identity.

    Each row tells the pose of the vehicle at `source_timestamp` in the vehicle's frame at `destination_timestamp`.
    Where a row does not begin at a known pose, odometry goes on from the last one, and the gap is counted.

    Raises:
        DatasetError: it is missing, cut, or its times go backwards.
    """
    stamps, rows = _read_columns(path, ("source_timestamp", "destination_timestamp"), _RELATIVE_COLUMNS)
    known: dict[int, NDArray[np.float64]] = {}
    last, gaps = np.eye(4), 0
    for (source, destination), row in zip(stamps.tolist(), rows.tolist(), strict=True):
        destination_from_source = BASE_FROM_VEHICLE @ matrix_from_euler(row) @ BASE_FROM_VEHICLE
        first, second, step = destination, source, destination_from_source
        if source < destination:
            first, second, step = source, destination, inverse(destination_from_source)
        if first not in known:
            gaps += bool(known)
            known[first] = last
        last = known[second] = known[first] @ step
    return _ascending(path, np.array(list(known), np.int64), np.array(list(known.values())), gaps)


def _read_columns(
    path: Path, time_columns: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (N, T) microseconds and (N, C) numbers of the named columns."""
    times: list[list[int]] = []
    numbers: list[list[float]] = []
    refused: Counter[str] = Counter()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            lacking = [name for name in (*time_columns, *columns) if name not in (reader.fieldnames or ())]
            if lacking:
                raise DatasetError(f"{str(path)!r} lacks the columns {', '.join(lacking)}; is it the right file?")
            for row in reader:
                if None in row.values():
                    raise DatasetError(f"{path}:{reader.line_num}: fields are missing; is the file cut?")
                if row.get(_STATUS_COLUMN, _GOOD) != _GOOD:
                    refused[str(row[_STATUS_COLUMN])] += 1
                    continue
                stamps, values = [int(row[name]) for name in time_columns], [float(row[name]) for name in columns]
                times.append(stamps)
                numbers.append(values)
    except OSError as err:
        raise DatasetError(f"{str(path)!r} cannot be read: {err.strerror}") from err
    except (ValueError, TypeError, csv.Error) as err:
        raise DatasetError(f"{path}:{reader.line_num}: {err}; is the file cut?") from err
    if refused and not times:
        raise DatasetError(
            f"no row of {str(path)!r} is {_GOOD}, but {', '.join(refused)}; choose another source of poses"
        )
    if not times or not np.all(np.isfinite(numbers)):
        problem = "holds numbers that are not finite" if times else "has no rows"
        raise DatasetError(f"{str(path)!r} {problem}; copy it again from the data set")
    return np.array(times, np.int64), np.array(numbers)


def _ascending(path: Path, stamps_us: NDArray[np.int64], poses: NDArray[np.float64], gaps: int = 0) -> Trajectory:
    """Return a trajectory; of rows with one time the first counts."""
    steps = np.diff(stamps_us)
    if np.any(steps < 0):
        row = int(np.flatnonzero(steps < 0)[0]) + 3
        raise DatasetError(f"{path}:{row}: times go backwards; is the file damaged?")
    kept = np.concatenate([[True], steps > 0])
    return Trajectory(stamps_us[kept] * NS_PER_US, poses[kept], gaps)
