# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two drives of the demo: one to make the map from, one on another day and line to be localized."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_lab.simulation.drive_bag import write_drive_bag
from sfd2_lab.simulation.scene_folder import QUERY_LATERAL_M, QUERY_START_M, Part, write_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_lab.simulation.drive import Frame


def write_demo_drives(
    scene: Path,
    bag: Path,
    *,
    mapping: DriveConfig | None = None,
    condition: str = "overcast",
    query_frames: int = 30,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> tuple[DriveConfig, DriveConfig]:
    """Render a mapping drive into a scene folder and a query drive into a bag.

    Args:
        scene: folder to make; all its images are in map.txt.
        bag: rosbag2 folder to make: the next session, beside the line of the mapping drive, starting a bit later.
        mapping: the mapping drive; None for 40 images over 60 m under an overcast sky.
        condition: of the query drive.
        query_frames: images of the query drive.
        overwrite: replace what exists.
        on_frame: called with every frame of both drives when it is written.

    Returns:
        The mapping drive and the query drive.

    Raises:
        ConfigError: a setting is not allowed.
        OutputError: an output exists, or cannot be written.
    """
    first = mapping or DriveConfig()
    world = World(first.seed, first.route)
    second = dataclasses.replace(
        first,
        session=first.session + 1,
        frames=query_frames,
        condition=condition,
        lateral_m=first.lateral_m + QUERY_LATERAL_M[0],
        start_m=first.start_m + QUERY_START_M + 2.0,
        speed_mps=world.speed_mps(first) * 1.1,
    )
    write_scene(world, [Part(first.condition, first, is_map=True)], scene, overwrite=overwrite, on_frame=on_frame)
    write_drive_bag(world, second, bag, overwrite=overwrite, on_frame=on_frame)
    return first, second
