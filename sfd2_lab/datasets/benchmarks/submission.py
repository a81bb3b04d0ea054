# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Submission files of visuallocalization.net: written, and checked by the rules of the data sets' READMEs.

A line an image: `name qw qx qy qz tx ty tz`, the rotation from world to camera as a unit quaternion and the
translation of the camera (not its position).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.problems import Problems, read_lines, some
from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.transforms import inverse
from sfd2_ros.mapping.colmap_io import pose_from_wxyz, wxyz_from_pose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.datasets.benchmarks.benchmark import Benchmark

METHOD_PATTERN = r"[\w.+-]+"
_UNIT_TOLERANCE = 1e-3
_NEAR_SHARE = 0.5


def write_submission(path: Path, poses: Mapping[str, NDArray[np.float64]]) -> None:
    """Write cam_from_world (4, 4) by submitted name."""
    lines = [
        " ".join([name, *(f"{number:.12g}" for number in wxyz_from_pose(pose))]) + "\n"
        for name, pose in sorted(poses.items())
    ]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def submission_name(benchmark: Benchmark, method: str) -> str:
    """Return the file name that the benchmark requires."""
    return f"{benchmark.rules.file_prefix}{method}.txt"


def check_submission(path: Path, benchmark: Benchmark) -> int:
    """Check a submission file by the rules of a benchmark, and return the number of its poses.

    Queries without a line are allowed: they count as not localized.

    Raises:
        DatasetError: the file breaks the rules; names all breaches.
    """
    problems = Problems(path)
    prefix = benchmark.rules.file_prefix
    if not re.fullmatch(rf"{prefix}{METHOD_PATTERN}\.txt", path.name):
        problems.add(f"the file's name is {path.name!r}; it must be {prefix}METHOD.txt")
    text = path.read_bytes() if path.is_file() else b""
    if b"\r" in text:
        problems.add("lines end as on Windows; end them with a line feed alone")
    poses: dict[str, NDArray[np.float64]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        _check_line(number, line, benchmark, poses, problems)
    strangers = sorted(set(poses) - set(benchmark.submitted_names))
    problems.add_files("names are of no query", strangers, f"{benchmark.rules.name_meaning}, queries only")
    if not poses:
        problems.add("there is not one pose")
    _check_positions(poses, benchmark, problems)
    problems.raise_any()
    return len(poses)


def _check_line(
    number: int, line: str, benchmark: Benchmark, poses: dict[str, NDArray[np.float64]], problems: Problems
) -> None:
    fields = line.split()
    if len(fields) != 8:
        problems.add(f"line {number} has {len(fields)} fields, 8 are needed: name qw qx qy qz tx ty tz")
        return
    name = fields[0]
    if not re.fullmatch(benchmark.rules.name_pattern, name):
        problems.add(f"line {number}: name {name!r} is not of the form {benchmark.rules.name_meaning}")
    if name in poses:
        problems.add(f"line {number}: image {name!r} has a pose already")
    try:
        values = [float(field) for field in fields[1:]]
        pose = pose_from_wxyz(values)
    except ValueError as err:
        problems.add(f"line {number}: {err}")
        return
    if not all(math.isfinite(value) for value in values):
        problems.add(f"line {number} has numbers that are not finite")
        return
    length = math.hypot(*values[:4])
    if abs(length - 1) > _UNIT_TOLERANCE:
        problems.add(f"line {number}: the quaternion has length {length:.4g}, 1 is needed")
    poses[name] = pose


def _check_positions(poses: Mapping[str, NDArray[np.float64]], benchmark: Benchmark, problems: Problems) -> None:
    """Find out whether tx ty tz are positions of cameras in place of translations: the commonest mistake."""
    known = np.array([inverse(one.cam_from_world)[:3, 3] for part in benchmark.parts for one in part.references])
    if not poses or not len(known):
        return
    span = float(np.linalg.norm(known.max(axis=0) - known.min(axis=0))) + 10.0
    translations = np.array([pose[:3, 3] for pose in poses.values()])
    centres = np.array([inverse(pose)[:3, 3] for pose in poses.values()])
    middle = (known.max(axis=0) + known.min(axis=0)) / 2

    def share_near(points: NDArray[np.float64]) -> float:
        return float(np.mean(np.linalg.norm(points - middle, axis=1) < span))

    if share_near(centres) < _NEAR_SHARE < share_near(translations):
        problems.add(
            "tx ty tz seem to be positions of the cameras: these lie among the reference images, and what they would "
            f"be as translations does not ({some(list(poses))}); the translation is -R * position"
        )
