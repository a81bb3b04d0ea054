# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories as TUM and KITTI have them, so that evo and other tools read them.

TUM: `timestamp tx ty tz qx qy qz qw`, a line for each pose, seconds, map_from_cam. KITTI: the upper three rows of
map_from_cam, row by row, a line for each image in order; no line can be left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.transforms import inverse, quaternion_xyzw, rigid_from_quaternion
from sfd2_ros.localization.results import Localized

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.localization.results import Result

SAME_TIME_NS = 1_000_000
"""Stamps that differ by less are one: other programs round to microseconds, and cameras are slower than 500 Hz."""
_MAX_LENGTH_ERROR = 0.01
"""Of a quaternion: more than rounding explains, less than columns in another order make."""
_STAMP = re.compile(r"(\d+)(\.\d+)?(?:\.[A-Za-z]\w*)?")
_NS_PER_UNIT = {16: 1_000, 19: 1}
"""By the number of digits of a whole number: microseconds and nanoseconds from 2001 to 2286.

Fewer digits are ambiguous: 1403636579 is seconds since 1970, or nanoseconds of a simulated clock.
"""
_MAX_SECONDS = 10_000_000_000
"""Seconds since 1970 that no camera has seen (the year 2286): a larger number is another unit."""


def stamp_of(name: str) -> int:
    """Return the time in the name of an image, in nanoseconds.

    Args:
        name: its last part, without the suffix, is seconds with decimals, or a whole number with 16 or 19 digits:
            microseconds or nanoseconds since 1970.

    Raises:
        PoseFileError: the name holds no time.
    """
    found = _STAMP.fullmatch(name.rsplit("/", 1)[-1])
    if found is not None and found[2]:
        return int(Decimal(found[1] + found[2]) * NS_PER_S)
    if found is None or len(found[1]) not in _NS_PER_UNIT:
        raise PoseFileError(
            f"image name {name!r} holds no time stamp, which a TUM trajectory needs; name images by seconds with "
            "decimals (1403636579.763556.png) or by nanoseconds (1403636579763555584.png)"
        )
    return int(found[1]) * _NS_PER_UNIT[len(found[1])]


def check_stamps(names: Iterable[str]) -> dict[int, str]:
    """Return image names by their time, in nanoseconds.

    Raises:
        PoseFileError: a name holds no time, or two hold the same.
    """
    by_stamp: dict[int, str] = {}
    for name in names:
        other = by_stamp.setdefault(stamp_of(name), name)
        if other != name:
            raise PoseFileError(
                f"images {other!r} and {name!r} have the same time stamp, a TUM trajectory has one pose at a time; "
                "name the images of one camera with --list"
            )
    return by_stamp


def write_tum(path: Path, estimates: Mapping[str, Result]) -> None:
    """Write the poses of localized images by time; rejected images have no line.

    Raises:
        OutputError: the folder cannot be written.
        PoseFileError: a name holds no time, or two hold the same.
    """
    found = ((stamp_ns, estimates[name]) for stamp_ns, name in check_stamps(estimates).items())
    poses = {stamp_ns: estimate.map_from_cam for stamp_ns, estimate in found if isinstance(estimate, Localized)}
    with atomic_file(path) as temporary:
        temporary.write_text(tum_text(poses), encoding="utf-8")


def tum_text(poses: Mapping[int, NDArray[np.float64]]) -> str:
    """Return a TUM trajectory, in order of time.

    Args:
        poses: (4, 4) pose of the camera or the vehicle in the map, such as map_from_cam, by time in nanoseconds.
    """
    lines = []
    for stamp_ns, pose in sorted(poses.items()):
        numbers = " ".join(f"{number:.12g}" for number in (*pose[:3, 3], *quaternion_xyzw(pose)))
        lines.append(f"{seconds_text(stamp_ns)} {numbers}\n")
    return "".join(lines)


def write_kitti(path: Path, estimates: Mapping[str, Result]) -> None:
    """Write a pose for each image, in order.

    Raises:
        OutputError: the folder cannot be written.
        PoseFileError: an image has no pose: the format counts lines, and no pose can be left out.
    """
    lines = []
    for name, estimate in estimates.items():
        if not isinstance(estimate, Localized):
            raise PoseFileError(
                f"image {name!r} has no pose ({estimate.status.value}), and a KITTI trajectory needs one for each "
                f"image: {str(path)!r} is not written; use --tum, or name the localized images with --list"
            )
        lines.append(" ".join(f"{number:.12g}" for number in estimate.map_from_cam[:3].ravel()) + "\n")
    with atomic_file(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def seconds_text(stamp_ns: int) -> str:
    """Return a time in seconds with nine decimals, exact."""
    return f"{stamp_ns // NS_PER_S}.{stamp_ns % NS_PER_S:09d}"


def is_tum(path: Path) -> bool:
    """Return whether each line of a readable file begins with a number; a pose file has image names there."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return bool(rows) and all(_is_number(row[0]) for row in rows)


def read_tum(path: Path) -> dict[int, NDArray[np.float64]]:
    """Read a TUM trajectory.

    Returns:
        cam_from_map (4, 4) by time in nanoseconds, in order of time.

    Raises:
        PoseFileError: the file cannot be read, a line is malformed, or a time comes twice; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise PoseFileError(f"trajectory {str(path)!r} cannot be read: {reason}; name a TUM trajectory") from err
    poses: dict[int, NDArray[np.float64]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        stamp_ns, pose = _parse(line, f"{path}:{number}")
        if stamp_ns in poses:
            raise PoseFileError(
                f"{path}:{number}: time {line.split()[0]} has a pose already; one line for each time is allowed"
            )
        poses[stamp_ns] = pose
    return dict(sorted(poses.items()))


def nearest_stamp(stamps_ns: list[int], stamp_ns: int) -> int | None:
    """Return the nearest of sorted times when it is the same time, to `SAME_TIME_NS`."""
    place = bisect_left(stamps_ns, stamp_ns)
    near = min(stamps_ns[max(place - 1, 0) : place + 1], key=lambda other: abs(other - stamp_ns), default=None)
    return near if near is not None and abs(near - stamp_ns) < SAME_TIME_NS else None


def _parse(line: str, where: str) -> tuple[int, NDArray[np.float64]]:
    problem = f"{where}: {line!r} is no line `timestamp tx ty tz qx qy qz qw` with eight finite numbers"
    fields = line.split()
    try:
        seconds, values = Decimal(fields[0]), np.array([float(field) for field in fields[1:]])
        if values.shape != (7,) or not np.isfinite(values).all() or not seconds.is_finite():
            raise PoseFileError(problem)
        if not 0 <= seconds < _MAX_SECONDS:
            raise PoseFileError(problem)
        length = float(np.linalg.norm(values[3:]))
        if abs(length - 1) > _MAX_LENGTH_ERROR:
            raise PoseFileError(f"{problem}: qx qy qz qw have length {length:.4g}, 1 is needed; is the order another?")
        return round(seconds * NS_PER_S), inverse(rigid_from_quaternion(values[3:], values[:3]))
    except (ValueError, InvalidOperation) as err:
        raise PoseFileError(problem) from err


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True
