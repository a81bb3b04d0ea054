# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A simulated town for a trial of the nodes: a map of one drive, and another drive as a bag; made once a folder."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.drive_bag import DriveBag
from sfd2_lab.simulation import DriveConfig, write_demo_drives
from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features import load_extractor
from sfd2_ros.mapping import MapBuilder
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKER = "stage.json"


@dataclass(frozen=True)
class StageSettings:
    """What is simulated.

    Attributes:
        seed: of the town.
        size: (w, h) of the images, pixels.
        mapping_frames: images of the mapping drive, 1.5 m apart.
        query_frames: images of the drive that is replayed.
        condition: light and weather of that drive.
        device: of the network.
        model: the network; empty for the default.
    """

    seed: int = 0
    size: tuple[int, int] = (640, 480)
    mapping_frames: int = 24
    query_frames: int = 16
    condition: str = "overcast"
    device: str = "cpu"
    model: str = ""


@dataclass(frozen=True)
class Stage:
    """What a trial plays with."""

    map_folder: Path
    drive: DriveBag


def prepare_stage(folder: Path, settings: StageSettings, progress: Callable[[str, int, int], None]) -> Stage:
    """Simulate the drives and build the map, or take those that an earlier trial left, when they are the same.

    Args:
        folder: for everything.
        settings: what to simulate.
        progress: called with step, done, total.

    Raises:
        OutputError: the folder holds something else.
    """
    extractor = load_extractor(device=settings.device, model=settings.model)
    wanted = json.loads(json.dumps({**dataclasses.asdict(settings), "weights_id": extractor.weights_id}))
    made = _read_marker(folder)
    if made is None and folder.exists() and any(folder.iterdir()):
        raise OutputError(f"{str(folder)!r} holds something else than a trial; name another --work, or remove it")
    if made is not None and made != wanted:
        raise OutputError(f"{str(folder)!r} holds a trial of other settings; name another --work, or remove it")
    if made is None:
        _make(folder, settings, extractor, progress)
        with atomic_file(folder / MARKER) as temporary:
            temporary.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    return Stage(folder / "map", DriveBag(folder / "query_bag"))


def _make(folder: Path, settings: StageSettings, extractor: Any, progress: Callable[[str, int, int], None]) -> None:
    total, done = settings.mapping_frames + settings.query_frames, 0

    def count(_frame: Any) -> None:
        nonlocal done
        done += 1
        progress("simulate", done, total)

    write_demo_drives(
        folder / "mapping",
        folder / "query_bag",
        mapping=DriveConfig(seed=settings.seed, frames=settings.mapping_frames, size=settings.size),
        condition=settings.condition,
        query_frames=settings.query_frames,
        on_frame=count,
    )
    scene = load_scene(folder / "mapping")
    builder = MapBuilder(extractor, progress=progress)
    builder.from_poses(scene.select("map.txt"), scene.image_folder, folder / "map")


def _read_marker(folder: Path) -> Any:
    try:
        return json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
