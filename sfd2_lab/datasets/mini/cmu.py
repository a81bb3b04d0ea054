# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature Extended CMU-Seasons: its folders and lists, of a simulated town.

Unlike the original: the cameras have no distortion (the lists hold zeros), there is no sparse/ model (it is not read),
and pictures have another size.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.cmu import INTRINSICS
from sfd2_lab.datasets.benchmarks.miniature import MARKER, write_miniature_file
from sfd2_lab.datasets.mini.drives import check_conditions, drive_of
from sfd2_lab.datasets.mini.pictures import centre_line, intrinsics_line, taken, write_picture
from sfd2_lab.simulation.conditions import CONDITIONS
from sfd2_ros.core.files import atomic_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.datasets.mini.pictures import Taken
    from sfd2_lab.simulation.drive import DriveConfig, Frame, World

RIG = "stereo"
# The halves of the drive: an urban slice and one in the park.
SLICES = (3, 21)
_CAMERAS = {"left": "c0", "right": "c1"}
_FIRST_STAMP_US = 1_283_347_879_534_213
_DAY_US = 86_400_000_000


def write_mini_cmu(
    world: World,
    base: DriveConfig,
    conditions: Sequence[str],
    path: Path,
    *,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Render a miniature Extended CMU-Seasons of two slices, and return the number of pictures.

    Args:
        world: that the drives belong to.
        base: the reference drive; its rig is taken for "stereo".
        conditions: the first is that of the reference images, each further one of queries.
        path: folder to make.
        overwrite: replace an existing miniature copy.
        on_frame: called with every frame when it is written.

    Raises:
        ConfigError: there is no such condition, or a setting of a drive is not allowed.
        OutputError: the folder exists and may not be replaced.
    """
    check_conditions(conditions, CONDITIONS, "the miniature CMU-Seasons")
    base = dataclasses.replace(base, rig=RIG)
    with atomic_folder(path, overwrite=overwrite, marker=MARKER) as folder:
        references: dict[int, list[Taken]] = {number: [] for number in SLICES}
        queries: dict[int, list[Taken]] = {number: [] for number in SLICES}
        for number, condition in enumerate(conditions):
            for frame in world.drive(drive_of(base, number, condition)):
                chosen = SLICES[frame.index * len(SLICES) // base.frames]
                stamp_us = _FIRST_STAMP_US + number * _DAY_US + frame.stamp_ns // 1000 % _DAY_US
                name = f"img_{frame.index:05d}_{_CAMERAS[frame.camera.name]}_{stamp_us}us.jpg"
                write_picture(folder / f"slice{chosen}" / ("query" if number else "database") / name, frame)
                (queries if number else references)[chosen].append(taken(name, frame))
                on_frame(frame)
        cameras = zip(_CAMERAS.values(), world.rig(base), strict=True)
        lines = [intrinsics_line(name, mounted.camera, "OPENCV") for name, mounted in cameras]
        comment = "# camera model width height fx fy cx cy k1 k2 p1 p2\n"
        (folder / INTRINSICS).write_text(comment + "".join(lines), encoding="utf-8")
        for number in SLICES:
            _write_lists(folder / f"slice{number}", number, references[number], queries[number])
        truth = {one.name: one.cam_from_world for pictures in queries.values() for one in pictures}
        write_miniature_file(folder, "cmu", base.size, truth)
    return sum(map(len, references.values())) + len(truth)


def _write_lists(folder: Path, number: int, references: Sequence[Taken], queries: Sequence[Taken]) -> None:
    for part in ("database", "query", "camera-poses"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    poses = [f"{one.name} {centre_line(one)}\n" for one in references]
    (folder / f"ground-truth-database-images-slice{number}.txt").write_text("".join(poses), encoding="utf-8")
    names = [f"{one.name}\n" for one in queries]
    (folder / f"test-images-slice{number}.txt").write_text("".join(names), encoding="utf-8")
    public = [f"{one.name} {centre_line(one)}\n" for one in queries if one.index % 2]
    (folder / "camera-poses" / f"slice-{number}-gt-query-images.txt").write_text("".join(public), encoding="utf-8")
