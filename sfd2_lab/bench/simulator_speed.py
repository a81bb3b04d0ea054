# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images a second of the simulator."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.bench.speed import quartiles
from sfd2_lab.simulation.conditions import condition_named
from sfd2_lab.simulation.drive import DriveConfig, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.mapping.match_images import Progress


@dataclass(frozen=True)
class SimulatorRow:
    """How fast one condition is rendered.

    Attributes:
        condition: name.
        size: "WIDTHxHEIGHT".
        pictures: timed, after one that paints what stands around the start.
        frames_per_second: of the wall clock, all of them together.
        frame_ms: median.
        frame_ms_quartiles: first and third.
        processor_s: seconds of all cores together for an image, median; what a busy machine does not blur.
        threads: that torch may use.
    """

    condition: str
    size: str
    pictures: int
    frames_per_second: float
    frame_ms: float
    frame_ms_quartiles: tuple[float, float]
    processor_s: float
    threads: int


def bench_simulator(
    conditions: Sequence[str],
    progress: Progress,
    *,
    seed: int = 0,
    pictures: int = 10,
    size: tuple[int, int] = (640, 480),
    device: str = "cpu",
) -> list[SimulatorRow]:
    """Render a drive under each condition and time its images; every condition paints its own world again.

    Args:
        conditions: names.
        progress: called with step, done, total.
        seed: of the town.
        pictures: timed of each drive.
        size: (w, h).
        device: where to render.

    Raises:
        ConfigError: a condition is unknown.
    """
    for name in conditions:
        condition_named(name)
    rows = []
    for number, name in enumerate(conditions):
        progress("simulator", number, len(conditions))
        rows.append(_timed(name, seed, pictures, size, device))
    progress("simulator", len(conditions), len(conditions))
    return rows


def _timed(condition: str, seed: int, pictures: int, size: tuple[int, int], device: str) -> SimulatorRow:
    drive = World(seed, device=device).drive(
        DriveConfig(seed=seed, frames=pictures + 1, condition=condition, size=size)
    )
    next(drive)
    wall, used = [], []
    for _ in range(pictures):
        start, begun = time.perf_counter(), time.process_time()
        next(drive)
        wall.append(time.perf_counter() - start)
        used.append(time.process_time() - begun)
    low, middle, high = quartiles(1000 * np.array(wall))
    return SimulatorRow(
        condition=condition,
        size=f"{size[0]}x{size[1]}",
        pictures=pictures,
        frames_per_second=pictures / sum(wall),
        frame_ms=middle,
        frame_ms_quartiles=(low, high),
        processor_s=float(np.median(used)),
        threads=torch.get_num_threads(),
    )
