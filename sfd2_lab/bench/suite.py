# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All benches in one run: on real images if available, and on simulated towns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.pipeline import ForeignScene, bench_pipeline
from sfd2_lab.bench.rows import bench_as_json
from sfd2_lab.bench.scenes import bench_scene
from sfd2_lab.bench.simulated_scenes import simulated_scene
from sfd2_lab.bench.simulator_speed import bench_simulator
from sfd2_lab.bench.speed import bench_speed
from sfd2_lab.bench.timelapse import bench_timelapse
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features import load_extractor
from sfd2_ros.mapping.model_places import is_scene
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sfd2_lab.bench.methods import Methods
    from sfd2_ros.mapping.match_images import Progress

BENCHES = ("features", "timelapse", "pipeline", "speed", "simulator")
"""What a run consists of, in its order."""


@dataclass(frozen=True)
class SuiteSettings:
    """What to run.

    Attributes:
        seed: of the simulated town; the next seed is the town whose images must be rejected.
        frames: images of each simulated drive.
        conditions: of the queries in the town.
        size: (w, h) of simulated images.
        pairs: most pairs of each kind and fixed camera.
        speed_images: images that extraction is timed on.
        foreign: most images of another place that are offered to each scene.
        max_keypoints: budget of the bench of features; pipelines take twice as many, as our localizer does.
        device: where networks and the simulator run.
    """

    seed: int = 5001
    frames: int = 20
    conditions: tuple[str, ...] = ("overcast", "night", "snow", "rain")
    size: tuple[int, int] = (640, 480)
    pairs: int = 60
    speed_images: int = 20
    foreign: int = 12
    max_keypoints: int = 1024
    device: str = "cpu"


@dataclass(frozen=True)
class PhotographSets:
    """Real images that are available.

    Attributes:
        scenes: folders with poses, map.txt and query.txt.
        cameras: folders of frames of fixed cameras.
    """

    scenes: tuple[Path, ...] = ()
    cameras: tuple[Path, ...] = ()


def find_photographs(folder: Path) -> PhotographSets:
    """Look for scenes and fixed cameras below a folder: scenes/*, drives/* and timelapse/*, in it or in its data/."""
    base = folder / "data" if (folder / "data").is_dir() else folder
    scenes = [one for kind in ("scenes", "drives") for one in sorted(base.glob(f"{kind}/*")) if _is_asked(one)]
    cameras = [one for one in sorted(base.glob("timelapse/*")) if one.is_dir()]
    return PhotographSets(tuple(scenes), tuple(cameras))


def _is_asked(folder: Path) -> bool:
    return is_scene(folder) and (folder / "map.txt").is_file() and (folder / "query.txt").is_file()


class Suite:
    """All benches with one set of methods and settings."""

    def __init__(
        self, settings: SuiteSettings, methods: Methods, photographs: PhotographSets, work: Path, progress: Progress
    ) -> None:
        """Keep what is to be run.

        Args:
            settings: how much of it.
            methods: of features.
            photographs: real images; may be none.
            work: folder for scenes and maps.
            progress: called with step, done, total.
        """
        self._settings, self._methods, self._photographs = settings, methods, photographs
        self._work, self._progress = work, progress

    def run(self, only: Sequence[str] = BENCHES) -> Iterator[dict[str, Any]]:
        """Yield what each bench writes as JSON, as soon as it is done.

        Args:
            only: of `BENCHES`, what to run; fixed cameras are left out where there are none.

        Raises:
            ConfigError: there is no such bench.
            Sfd2Error: a scene cannot be used, or the folder not be written.
        """
        for name in only:
            if name not in BENCHES:
                raise ConfigError(f"{name!r} is no bench of this run; allowed: {', '.join(BENCHES)}")
        runs = {
            "features": self._features,
            "timelapse": self._timelapse,
            "pipeline": self._pipeline,
            "speed": self._speed,
            "simulator": self._simulator,
        }
        for name in BENCHES:
            if name in only and (name != "timelapse" or self._photographs.cameras):
                yield self._as_json(name, runs[name]())

    def _town(self) -> Path:
        return self._simulated(self._settings.seed, self._settings.conditions)

    def _simulated(self, seed: int, conditions: Sequence[str]) -> Path:
        settings = self._settings
        return simulated_scene(
            seed,
            conditions,
            settings.frames,
            self._work / "scenes",
            progress=self._progress,
            size=settings.size,
            device=settings.device,
        )

    def _features(self) -> list[Any]:
        rows: list[Any] = []
        for folder in [*self._photographs.scenes, self._town()]:
            rows += bench_scene(folder, self._methods.ready, work=self._work / "maps", progress=self._progress)
        return rows

    def _timelapse(self) -> list[Any]:
        rows: list[Any] = []
        for folder in self._photographs.cameras:
            rows += bench_timelapse(folder, self._methods.ready, self._progress, pairs=self._settings.pairs)
        return rows

    def _pipeline(self) -> list[Any]:
        """Offer to each scene real images of another one, and to the town those of another town."""
        keypoints = 2 * self._settings.max_keypoints
        extractor = load_extractor(None, self._settings.device, max_keypoints=keypoints)
        scenes, elsewhere = self._photographs.scenes, self._simulated(self._settings.seed + 1, ())
        pairs = [(scene, scenes[number - 1] if len(scenes) > 1 else elsewhere) for number, scene in enumerate(scenes)]
        rows: list[Any] = []
        for scene, other in [*pairs, (self._town(), elsewhere)]:
            place = self._work / "pipeline" / scene.name
            foreign = [ForeignScene(other, self._settings.foreign)]
            rows += bench_pipeline(scene, extractor, work=place, progress=self._progress, foreign=foreign)
        return rows

    def _speed(self) -> list[Any]:
        scene = load_scene(self._town())
        paths = [scene.image_folder / name for name in list(scene.images)[: self._settings.speed_images]]
        return bench_speed(paths, self._methods.ready, self._progress)

    def _simulator(self) -> list[Any]:
        settings = self._settings
        return bench_simulator(
            settings.conditions,
            self._progress,
            seed=settings.seed,
            pictures=settings.frames,
            size=settings.size,
            device=settings.device,
        )

    def _as_json(self, bench: str, rows: Sequence[Any]) -> dict[str, Any]:
        missing = {} if bench in ("pipeline", "simulator") else self._methods.missing
        return bench_as_json(bench, dataclasses.asdict(self._settings), rows, missing)


def left_out(photographs: PhotographSets) -> list[str]:
    """Return sentences on what could not be run because real images were missing."""
    said = []
    if not photographs.scenes:
        said.append(
            "No real images with poses were available: features and pipelines were compared on simulated towns only."
        )
    if not photographs.cameras:
        said.append("No frames of fixed cameras were available: webcams are left out.")
    return said
