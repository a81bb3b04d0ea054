# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature Extended CMU-Seasons: its folders and lists, of a simulated town.

Unlike the original: the cameras have no distortion (the lists hold zeros), there is no sparse/ model (it is not read),
and pictures have another size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.cmu import INTRINSICS
from support.miniatures.pictures import centre_line, intrinsics_line, parted, take, write_miniature_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from support.miniatures.pictures import Taken

# The halves of the drive: an urban slice and one in the park.
SLICES = (3, 21)
_CAMERAS = {"left": "c0", "right": "c1"}
_FIRST_STAMP_US = 1_283_347_879_534_213
_DAY_US = 86_400_000_000


class Cmu:
    """The layout of Extended CMU-Seasons with two slices."""

    rig = "stereo"

    def __init__(self, world: World) -> None:
        self._world = world

    def write_image(self, folder: Path, frame: Frame, drive: DriveConfig, number: int) -> Taken:
        """Write an image of one of the slices."""
        stamp_us = _FIRST_STAMP_US + number * _DAY_US + frame.stamp_ns // 1000 % _DAY_US
        name = f"img_{frame.index:05d}_{_CAMERAS[frame.camera.name]}_{stamp_us}us.jpg"
        part = "query" if number else "database"
        return take(folder / f"slice{_slice(frame.index, drive)}" / part, name, frame, drive, number)

    def write_lists(self, folder: Path, drives: Sequence[DriveConfig], taken: Sequence[Taken]) -> None:
        """Write the intrinsics and the lists of each slice."""
        cameras = zip(_CAMERAS.values(), self._world.rig(drives[0]), strict=True)
        lines = [intrinsics_line(name, mounted.camera, "OPENCV") for name, mounted in cameras]
        comment = "# camera model width height fx fy cx cy k1 k2 p1 p2\n"
        (folder / INTRINSICS).write_text(comment + "".join(lines), encoding="utf-8")
        for chosen in SLICES:
            references, queries = parted([image for image in taken if _slice(image.index, drives[0]) == chosen])
            _write_lists(folder / f"slice{chosen}", chosen, references, queries)
        truth = {image.name: image.cam_from_world for image in taken if image.number}
        write_miniature_file(folder, "cmu", drives[0].size, truth)


def _slice(index: int, drive: DriveConfig) -> int:
    return SLICES[index * len(SLICES) // drive.frames]


def _write_lists(folder: Path, number: int, references: Sequence[Taken], queries: Sequence[Taken]) -> None:
    for part in ("database", "query", "camera-poses"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    poses = [f"{one.name} {centre_line(one)}\n" for one in references]
    (folder / f"ground-truth-database-images-slice{number}.txt").write_text("".join(poses), encoding="utf-8")
    names = [f"{one.name}\n" for one in queries]
    (folder / f"test-images-slice{number}.txt").write_text("".join(names), encoding="utf-8")
    public = [f"{one.name} {centre_line(one)}\n" for one in queries if one.index % 2]
    (folder / "camera-poses" / f"slice-{number}-gt-query-images.txt").write_text("".join(public), encoding="utf-8")
