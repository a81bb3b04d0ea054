# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench of drives: renders each route once, writes its bags, maps them, localizes another session."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.drives.measure import TRUE_POSES, drive_row, failed_row, map_drive
from sfd2_lab.bench.drives.recordings import read_recording, recorded_images, scene_recording
from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_lab.simulation.drive_bag import write_drive_bag
from sfd2_lab.simulation.recording import write_recording
from sfd2_lab.simulation.route import STREET_ROUTES
from sfd2_lab.simulation.sensors import SensorConfig
from sfd2_ros.core.errors import Sfd2Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sfd2_lab.bench.drives.cases import DriveCase
    from sfd2_lab.bench.drives.measure import Commands
    from sfd2_lab.bench.drives.recordings import TakenImage
    from sfd2_lab.simulation.recording import RecordedImage, Recording
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

    Queries = list[tuple[TakenImage, Features]]

QUERY_STEP = 4
"""The other session has an image where the mapping drive has this many: neighbours show nearly the same."""
QUERY_LATERAL_M, INDOOR_LATERAL_M, QUERY_START_M = 0.5, 0.2, 1.0
"""The other session drives half a metre beside the first one, in a corridor less."""


@dataclass(frozen=True, eq=False)
class DriveBench:
    """Runs cases.

    Attributes:
        work: folder for bags and maps; what is there already is used.
        seed: of the town.
        rig: of the simulator.
        size: (w, h) of the images, pixels.
        step_m: distance of the images.
        extractor: of the queries' features.
        run: runs `sfd2` with arguments.
        clock: seconds.
        progress: called with step, done, total.
    """

    work: Path
    seed: int
    rig: str
    size: tuple[int, int]
    step_m: float
    extractor: FeatureExtractor
    run: Commands
    clock: Callable[[], float]
    progress: Progress

    def row(self, case: DriveCase) -> dict[str, Any]:
        """Return the figures of a simulated drive."""
        base = self._rendered(case.route, session=0)
        truth = read_recording(base, self.seed * 1000)
        bag = self.work / f"{case.name}_drive"
        if not bag.exists():
            write_recording(truth, recorded_images(base), bag, sensors=case.sensors)
        queries = self._features(recorded_images(self._rendered(case.route, session=1))) if case.is_localized else []
        return self._measured(case.name, bag, truth, base, queries)

    def scene_row(self, folder: Path, rate_hz: float, sensors: SensorConfig) -> dict[str, Any]:
        """Return the figures of a real drive, given odometry that drifts from its known poses.

        Args:
            folder: scene with map.txt and query.txt, of one camera.
            rate_hz: of the images of map.txt.
            sensors: errors of its odometry.
        """
        name = folder.resolve().name
        truth, images = scene_recording(folder, "map.txt", rate_hz)
        _, others = scene_recording(folder, "query.txt", rate_hz)
        bag = self.work / f"{name}_drive"
        if not bag.exists():
            write_recording(truth, images, bag, sensors=sensors)
        return self._measured(name, bag, truth, bag, self._features(others))

    def _measured(self, name: str, bag: Path, truth: Recording, base: Path, queries: Queries) -> dict[str, Any]:
        try:
            mapped = map_drive(bag, truth, self.work / f"{name}_map", run=self.run, clock=self.clock)
        except Sfd2Error as err:
            return failed_row(name, err)
        if not queries:
            return drive_row(name, mapped, None, queries)
        folder = self.work / f"{base.name}_true_map"
        reference = map_drive(base, truth, folder, run=self.run, clock=self.clock, options=TRUE_POSES)
        return drive_row(name, mapped, reference, queries)

    def _rendered(self, route: str, *, session: int) -> Path:
        """Return the bag without faults of a route and session, rendered once."""
        bag = self.work / f"{route}_session_{session}"
        if bag.exists():
            return bag
        world = World(self.seed, route)
        config = DriveConfig(seed=self.seed, route=route, rig=self.rig, size=self.size, session=session)
        rate_hz = world.speed_mps(config) / self.step_m
        if session == 0:
            config = dataclasses.replace(config, rate_hz=rate_hz)
        else:
            side_m = QUERY_LATERAL_M if route in STREET_ROUTES else INDOOR_LATERAL_M
            rate_hz = rate_hz / QUERY_STEP
            config = dataclasses.replace(config, rate_hz=rate_hz, lateral_m=side_m, start_m=QUERY_START_M)
        config = dataclasses.replace(config, frames=world.frames_that_fit(config))
        total, done = config.frames * len(world.rig(config)), 0

        def advance(_frame: RecordedImage) -> None:
            nonlocal done
            done += 1
            self.progress(f"render {route}", done, total)

        write_drive_bag(world, config, bag, sensors=SensorConfig(0.0, 0.0), on_frame=advance)
        return bag

    def _features(self, images: Iterable[TakenImage]) -> Queries:
        return [(image, self.extractor(image.image)) for image in images]
