# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature Aachen Day-Night: its folders, lists and models of versions 1.0 and 1.1, of a simulated town.

Unlike the original: the pictures are of a drive, the models have no points (they are not read), and both versions have
the same images.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.aachen import IMAGES, LISTS, MODELS
from sfd2_lab.datasets.benchmarks.miniature import MARKER, write_miniature_file
from sfd2_lab.datasets.mini.drives import check_conditions, drive_of
from sfd2_lab.datasets.mini.pictures import intrinsics_line, taken, write_nvm, write_picture
from sfd2_ros.core.files import atomic_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.datasets.mini.pictures import Taken
    from sfd2_lab.simulation.drive import DriveConfig, Frame, World

RIG = "front"
# Conditions of the simulator, as day or night.
CONDITIONS = {
    "overcast": "day", "sun": "day", "dawn": "day", "dusk": "day", "rain": "day", "snow": "day", "autumn": "day",
    "winter": "day", "night": "night", "night_rain": "night",
}  # fmt: skip
_PLACES = {
    "day": "query/day/milestone/2010-10-30_17-{:02d}-{:02d}.jpg",
    "night": "query/night/nexus5x/IMG_201612{:02d}_{:06d}.jpg",
}
_FIRST_NIGHT = 27


def write_mini_aachen(
    world: World,
    base: DriveConfig,
    conditions: Sequence[str],
    path: Path,
    *,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Render a miniature Aachen Day-Night, and return the number of pictures.

    Args:
        world: that the drives belong to.
        base: the drive of the reference images; its rig is taken for "front".
        conditions: the first is that of the reference images, each further one of queries by day or night.
        path: folder to make.
        overwrite: replace an existing miniature copy.
        on_frame: called with every frame when it is written.

    Raises:
        ConfigError: the data set has no such condition, or a setting of a drive is not allowed.
        OutputError: the folder exists and may not be replaced.
    """
    check_conditions(conditions, CONDITIONS, "the miniature Aachen Day-Night")
    base = dataclasses.replace(base, rig=RIG)
    with atomic_folder(path, overwrite=overwrite, marker=MARKER) as folder:
        references: list[Taken] = []
        queries: dict[str, list[Taken]] = {"day": [], "night": []}
        for number, condition in enumerate(conditions):
            time_of_day = CONDITIONS[condition]
            for frame in world.drive(drive_of(base, number, condition)):
                name = f"db/{frame.index + 1}.jpg"
                if number:
                    part = (_FIRST_NIGHT + number - 1) if time_of_day == "night" else number
                    name = _PLACES[time_of_day].format(part, frame.index)
                write_picture(folder / IMAGES / name, frame)
                (queries[time_of_day] if number else references).append(taken(name, frame))
                on_frame(frame)
        # A list is never empty in the data set: without such a drive, one reference image is asked for again.
        asked = {time_of_day: pictures or references[:1] for time_of_day, pictures in queries.items()}
        _write_lists(folder, references, asked)
        truth = {one.name: one.cam_from_world for pictures in asked.values() for one in pictures}
        write_miniature_file(folder, "aachen", base.size, truth)
    return len(references) + sum(map(len, queries.values()))


def _write_lists(folder: Path, references: Sequence[Taken], queries: dict[str, list[Taken]]) -> None:
    for nvm, intrinsics in MODELS.values():
        write_nvm(folder / nvm, references)
        _write_intrinsics(folder / intrinsics, references)
    for time_of_day, pictures in queries.items():
        _write_intrinsics(folder / LISTS[time_of_day], pictures)


def _write_intrinsics(path: Path, pictures: Sequence[Taken]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [intrinsics_line(one.name, one.camera, "SIMPLE_RADIAL") for one in pictures]
    path.write_text("".join(lines), encoding="utf-8")
