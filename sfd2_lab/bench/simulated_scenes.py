# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Towns of the simulator as scenes: mapped under an overcast sky, to be found again under other conditions."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from sfd2_lab.simulation.conditions import condition_named
from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_lab.simulation.scene_folder import drives_by_condition, write_scene
from sfd2_ros.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.simulation.scene_folder import Part
    from sfd2_ros.mapping.match_images import Progress

MAP_CONDITION = "overcast"


def simulated_scene(
    seed: int,
    conditions: Sequence[str],
    frames: int,
    work: Path,
    *,
    progress: Progress,
    size: tuple[int, int] = (640, 480),
    route: str = "street",
    device: str = "cpu",
) -> Path:
    """Render a town into `work`/town_SEED, or take the one that is there if it is the same.

    Args:
        seed: of the town.
        conditions: of the query drives, each in a session of its own, on another line than the mapping drive.
        frames: images of each drive.
        work: folder for scenes.
        progress: called with step, done, total.
        size: (w, h) of the images.
        route: see `simulation.world.ROUTES`.
        device: where to render.

    Returns:
        The scene folder; all queries are labelled.

    Raises:
        ConfigError: a condition or the route is unknown.
        OutputError: another scene is in that place.
    """
    for name in conditions:
        condition_named(name)
    folder = work / f"town_{seed}"
    base = DriveConfig(seed=seed, frames=frames, condition=MAP_CONDITION, size=size, route=route)
    parts = drives_by_condition(base, [MAP_CONDITION, *conditions])
    if folder.exists():
        _refuse_other(folder, parts)
        return folder
    total, done = frames * len(parts), 0

    def advance(_frame: object) -> None:
        nonlocal done
        done += 1
        progress(f"render {folder.name}", done, total)

    write_scene(World(seed, route, device=device), parts, folder, on_frame=advance)
    return folder


def _refuse_other(folder: Path, parts: Sequence[Part]) -> None:
    wanted = [{"folder": part.folder, "is_map": part.is_map, **dataclasses.asdict(part.config)} for part in parts]
    try:
        there = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["drives"]
    except (OSError, ValueError, LookupError, TypeError):
        there = None
    if there != json.loads(json.dumps(wanted)):
        raise OutputError(
            f"{str(folder)!r} holds another scene than is to be rendered; name another --work, or remove it"
        )
