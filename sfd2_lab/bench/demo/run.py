# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demo: a mapping drive, a map, the real nodes, a second drive, and how well they did."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.drive_bag import DriveBag, write_bag_of_images
from sfd2_lab.bench.demo.picture import write_picture
from sfd2_lab.bench.demo.replay import replay_drive
from sfd2_lab.bench.demo.summary import frame_rows, summarize
from sfd2_lab.simulation import DriveConfig, write_demo_drives
from sfd2_ros.core.errors import OutputError, SceneError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features import load_extractor
from sfd2_ros.mapping import MapBuilder, load_map
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_ros.features import Extractor

MARKER = "demo.json"
MADE = ("summary.json", "frames.json", "demo.png", "map", "mapping", "query_bag", "logs")
MAPPING_FRAMES = 40


@dataclass(frozen=True)
class DemoSettings:
    """What to show.

    Attributes:
        output: folder for everything that is made.
        data: scene folder of a recorded drive with map.txt and query.txt; None: simulate one.
        seed: of the simulated town and of the drift of odometry.
        condition: light and weather of the simulated query drive.
        frames: most frames of the query drive.
        device: of the network.
    """

    output: Path
    data: Path | None = None
    seed: int = 0
    condition: str = "overcast"
    frames: int = 30
    device: str = "auto"


def run_demo(settings: DemoSettings, progress: Callable[[str, int, int], None]) -> dict[str, Any]:
    """Run the demo and return its summary, which is also written to summary.json.

    Beside it lie frames.json, demo.png, map/, query_bag/, logs/ and, when simulated, mapping/.

    Args:
        settings: what to show.
        progress: called with step, done and total.

    Raises:
        OutputError: the output folder holds something else than an earlier demo.
        Sfd2Error: the data or the map cannot be used, or a node ended.
    """
    output = settings.output
    _claim(output)
    scene_folder, bag_folder = _make_drives(settings, progress)
    extractor = load_extractor(device=settings.device)
    map_folder = _build_map(extractor, scene_folder, output / "map", progress)
    drive = DriveBag(bag_folder)
    frames = drive.num_frames
    done: list[str] = []

    def count(outcome: Any) -> None:
        done.append(outcome.status)
        progress("replay", len(done), frames)

    replay = replay_drive(drive, map_folder, output / "logs", device=settings.device, on_frame=count)
    map_ = load_map(map_folder)
    summary = summarize(replay, map_)
    _write_json(output / "frames.json", frame_rows(replay.outcomes))
    middle = drive.frame(frames // 2)
    write_picture(output / "demo.png", replay.outcomes, map_, middle.image, extractor(middle.image))
    _write_json(output / "summary.json", summary)
    return summary


def _claim(output: Path) -> None:
    """Take a folder for this demo; one that holds other things is left alone."""
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not (output / MARKER).is_file())):
        raise OutputError(f"output {str(output)!r} exists and is not of an earlier demo; name another folder")
    for stale in MADE:  # so that a run that fails leaves no older figures behind
        if (output / stale).is_dir():
            shutil.rmtree(output / stale)
        (output / stale).unlink(missing_ok=True)
    _write_json(output / MARKER, {"made_by": "sfd2 demo"})


def _make_drives(settings: DemoSettings, progress: Callable[[str, int, int], None]) -> tuple[Path, Path]:
    """Return the scene folder of the mapping drive and the bag of the query drive."""
    bag_folder, done = settings.output / "query_bag", 0

    def count(total: int, step: str) -> None:
        nonlocal done
        done += 1
        progress(step, done, total)

    if settings.data is None:
        total = MAPPING_FRAMES + settings.frames
        write_demo_drives(
            settings.output / "mapping",
            bag_folder,
            mapping=DriveConfig(seed=settings.seed, frames=MAPPING_FRAMES),
            condition=settings.condition,
            query_frames=settings.frames,
            on_frame=lambda _frame: count(total, "simulate"),
        )
        return settings.output / "mapping", bag_folder
    for name in ("map.txt", "query.txt"):
        if not (settings.data / name).is_file():
            raise SceneError(
                f"scene {str(settings.data)!r} has no {name}; write the names of its images into one, a line each"
            )
    scene = load_scene(settings.data)
    queries = scene.select("query.txt")[: settings.frames]
    write_bag_of_images(
        queries, scene.image_folder, bag_folder, seed=settings.seed, on_frame=lambda: count(len(queries), "write bag")
    )
    return settings.data, bag_folder


def _build_map(
    extractor: Extractor, scene_folder: Path, output: Path, progress: Callable[[str, int, int], None]
) -> Path:
    scene = load_scene(scene_folder)
    MapBuilder(extractor, progress=progress).from_poses(scene.select("map.txt"), scene.image_folder, output)
    return output


def _write_json(path: Path, content: Any) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
