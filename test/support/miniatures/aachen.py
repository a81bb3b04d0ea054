# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature Aachen Day-Night: its folders, lists and models of versions 1.0 and 1.1, of a simulated town.

Unlike the original: the pictures are of a drive, the models have no points (they are not read), and both versions have
the same images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.aachen import IMAGES, LISTS, MODELS
from support.miniatures.pictures import intrinsics_line, parted, take, write_miniature_file, write_nvm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from support.miniatures.pictures import Taken

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


class Aachen:
    """The layout of Aachen Day-Night."""

    rig = "front"

    def __init__(self, world: World) -> None:
        self._world = world

    def write_image(self, folder: Path, frame: Frame, drive: DriveConfig, number: int) -> Taken:
        """Write a reference image, or a query by day or night."""
        time_of_day = CONDITIONS[drive.condition]
        name = f"db/{frame.index + 1}.jpg"
        if number:
            part = (_FIRST_NIGHT + number - 1) if time_of_day == "night" else number
            name = _PLACES[time_of_day].format(part, frame.index)
        return take(folder / IMAGES, name, frame, drive, number)

    def write_lists(self, folder: Path, drives: Sequence[DriveConfig], taken: Sequence[Taken]) -> None:
        """Write the models and the lists of queries."""
        references, queries = parted(taken)
        # A list is never empty in the data set: without such a drive, one reference image is asked for again.
        asked = {
            time_of_day: [image for image in queries if CONDITIONS[image.condition] == time_of_day] or references[:1]
            for time_of_day in _PLACES
        }
        _write_lists(folder, references, asked)
        truth = {image.name: image.cam_from_world for images in asked.values() for image in images}
        write_miniature_file(folder, "aachen", drives[0].size, truth)


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
