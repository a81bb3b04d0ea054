# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one writer of miniature copies: renders the drives of a town and lets a layout name and list the images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_lab.simulation.scene_folder import QUERY_LATERAL_M, QUERY_START_M
from support.miniatures.aachen import Aachen
from support.miniatures.cmu import Cmu
from support.miniatures.robotcar import RobotCar
from support.miniatures.robotcar_seasons import RobotCarSeasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.simulation.drive import Frame
    from support.miniatures.pictures import Taken


class Layout(Protocol):
    """A data set's folders and lists."""

    rig: str
    """Cameras of the simulator."""

    def __init__(self, world: World) -> None: ...

    def write_image(self, folder: Path, frame: Frame, drive: DriveConfig, number: int) -> Taken:
        """Write an image of the drive with that number (0: reference images) and return what was written."""
        ...

    def write_lists(self, folder: Path, drives: Sequence[DriveConfig], taken: Sequence[Taken]) -> None:
        """Write everything else: lists, models, calibration, and the ground truth of the queries."""
        ...


LAYOUTS: dict[str, type[Layout]] = {
    "robotcar": RobotCar,
    "robotcar-seasons": RobotCarSeasons,
    "aachen": Aachen,
    "cmu": Cmu,
}


def write_miniature(name: str, folder: Path, world: World, base: DriveConfig, conditions: Sequence[str]) -> None:
    """Render a miniature copy.

    Args:
        name: of the data set, a key of `LAYOUTS`.
        folder: to make.
        world: that the drives belong to.
        base: the reference drive; the layout chooses its rig.
        conditions: of the simulator; the first is that of the reference images, each further one of queries.
    """
    layout = LAYOUTS[name](world)
    base = dataclasses.replace(base, rig=layout.rig)
    drives = [_drive(base, number, condition) for number, condition in enumerate(conditions)]
    folder.mkdir(parents=True)
    taken = [
        layout.write_image(folder, frame, drive, number)
        for number, drive in enumerate(drives)
        for frame in world.drive(drive)
    ]
    layout.write_lists(folder, drives, taken)


def _drive(base: DriveConfig, number: int, condition: str) -> DriveConfig:
    """Return the drive of a condition; number 0 is the reference, others are later sessions beside its line."""
    if number == 0:
        return dataclasses.replace(base, condition=condition)
    return dataclasses.replace(
        base,
        condition=condition,
        session=base.session + number,
        lateral_m=base.lateral_m + QUERY_LATERAL_M[number % len(QUERY_LATERAL_M)],
        start_m=base.start_m + QUERY_START_M,
    )
