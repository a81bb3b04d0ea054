# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Times from an image in the host's memory to features there, every way in turn on the same image."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.bench.peak_memory import peak_megabytes
from sfd2_lab.bench.processor_peak import wait_for
from sfd2_lab.bench.speed import quartiles
from sfd2_lab.bench.speed_cases import clock_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sfd2_lab.bench.speed_cases import SpeedCase
    from sfd2_ros.mapping.match_images import Progress

WHOLE = "image to features"
"""Name of the stage that is all of an extraction."""
_BOXES, _LARGEST_BOX_PX = 700, 60
"""Painted in 640x480: their corners fill a budget of 2,048 keypoints."""
_WARM_UP = 2
"""Calls before the first that counts: the first chooses kernels and fills the allocator, the second is still slower."""


@dataclass(frozen=True)
class TimeRow:
    """Time of one stage of one way to extract features.

    Attributes:
        network: method or identity of the weights.
        stage: "image to features", or "prepare", "network", "keypoints" of it.
        size: "WIDTHxHEIGHT".
        device: that computes.
        precision: number format of the network.
        backend: library that computes.
        batch: images in one call.
        max_keypoints: budget of an image.
        rounds: calls that count.
        median_ms: of a call, by the clock on the wall.
        p95_ms: likewise.
        iqr_ms: first and third quartile.
        processor_ms: median processor time of all threads; None on a GPU.
        plain_median_ms: median of the plain extractor in the same rounds.
        ratio: median over the rounds of the time as a fraction of the plain one's, by processor time on a CPU.
        ratio_iqr: its quartiles.
        share: of the whole, by the same clock.
        peak_mb: memory of one call beyond what was in use before it; None where it cannot be measured.
        gflop: operations of the network for the call, in 10^9; None of other methods.
        floor_ms: least time of them at the measured peak of matrix products.
    """

    network: str
    stage: str
    size: str
    device: str
    precision: str
    backend: str
    batch: int
    max_keypoints: int
    rounds: int
    median_ms: float
    p95_ms: float
    iqr_ms: tuple[float, float]
    processor_ms: float | None
    plain_median_ms: float
    ratio: float
    ratio_iqr: tuple[float, float]
    share: float
    peak_mb: float | None
    gflop: float | None
    floor_ms: float | None


@dataclass
class _Times:
    """Seconds of one way, call by call."""

    wall: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float | None = None


def painted_image(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) with enough corners for any budget; the same for the same arguments."""
    generator = np.random.default_rng(seed)
    image = generator.integers(60, 120, (height, width, 3), dtype=np.uint8)
    for _ in range(_BOXES * height * width // (480 * 640)):
        x, y = (int(value) for value in generator.integers([0, 0], [width, height]))
        box_width, box_height = (int(value) for value in generator.integers(4, _LARGEST_BOX_PX, 2))
        colour = [int(value) for value in generator.integers(0, 256, 3)]
        cv2.rectangle(image, (x, y), (x + box_width, y + box_height), colour, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


def time_cases(
    plain: SpeedCase,
    cases: Sequence[SpeedCase],
    images: Sequence[NDArray[np.uint8]],
    *,
    rounds: int,
    floors: Mapping[tuple[str, str], tuple[float, float]],
    max_keypoints: int,
    progress: Progress,
) -> list[TimeRow]:
    """Time all ways on the same images, one call of each in turn, and return their rows.

    Args:
        plain: that the others are compared with.
        cases: the others.
        images: (H, W, 3) of one size; one call takes them all.
        rounds: calls of each that count.
        floors: operations in 10^9 and least milliseconds of an image, by network and precision.
        max_keypoints: for the rows.
        progress: called with step, done, total.
    """
    able = [case for case in (plain, *cases) if len(images) == 1 or not case.is_single]
    times = [_Times() for _ in able]
    for case, measured in zip(able, times, strict=True):
        for _ in range(_WARM_UP):
            case.extract(images)
        measured.peak_mb = peak_megabytes(lambda case=case: case.extract(images), case.device)  # type: ignore[misc]
    height, width = images[0].shape[:2]
    for turn in range(rounds):
        progress(f"{width}x{height}, {len(images)} in a call", turn, rounds)
        for case, measured in zip(able, times, strict=True):
            _time_once(case, images, measured)
    progress(f"{width}x{height}, {len(images)} in a call", rounds, rounds)
    return [
        row
        for case, measured in zip(able, times, strict=True)
        for row in _rows(
            case,
            measured,
            times[0],
            images,
            floor=floors.get((case.network, case.precision)),
            max_keypoints=max_keypoints,
        )
    ]


def _time_once(case: SpeedCase, images: Sequence[NDArray[np.uint8]], measured: _Times) -> None:
    clock = clock_of(case.device)
    wait_for(case.device)
    wall, start = time.perf_counter(), clock()
    case.extract(images)
    wait_for(case.device)
    end, wall_end = clock(), time.perf_counter()
    measured.wall.append(wall_end - wall)
    measured.clock.append(end - start)
    if case.stages is not None:
        for name, seconds in case.stages.of_call(start, end).items():
            measured.stages.setdefault(name, []).append(seconds)


def _rows(
    case: SpeedCase,
    measured: _Times,
    plain: _Times,
    images: Sequence[NDArray[np.uint8]],
    *,
    floor: tuple[float, float] | None,
    max_keypoints: int,
) -> list[TimeRow]:
    height, width = images[0].shape[:2]
    wall_ms = 1000 * np.array(measured.wall)
    rows = []
    for stage, seconds in {WHOLE: measured.clock, **measured.stages}.items():
        fraction = np.array(seconds) / np.array(measured.clock)
        low, middle, high = quartiles(wall_ms * fraction)
        least, ratio, most = quartiles(np.array(seconds) / np.array(plain.clock))
        gflop, floor_ms = (None, None) if floor is None or stage not in (WHOLE, "network") else floor
        rows.append(
            TimeRow(
                network=case.network,
                stage=stage,
                size=f"{width}x{height}",
                device=str(case.device),
                precision=case.precision,
                backend=case.backend,
                batch=len(images),
                max_keypoints=max_keypoints,
                rounds=len(wall_ms),
                median_ms=middle,
                p95_ms=float(np.percentile(wall_ms * fraction, 95)),
                iqr_ms=(low, high),
                processor_ms=1000 * float(np.median(seconds)) if case.device.type == "cpu" else None,
                plain_median_ms=1000 * float(np.median(plain.wall)),
                ratio=ratio,
                ratio_iqr=(least, most),
                share=float(np.median(fraction)),
                peak_mb=measured.peak_mb if stage == WHOLE else None,
                gflop=None if gflop is None else gflop * len(images),
                floor_ms=None if floor_ms is None else floor_ms * len(images),
            )
        )
    return rows
