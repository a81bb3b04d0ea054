# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time of an extraction, method beside method on the same image: on a busy machine a ratio holds, a time does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.timing import extract_timed
from sfd2_ros.features.images import read_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_ros.mapping.match_images import Progress


@dataclass(frozen=True)
class SpeedRow:
    """How long a method takes.

    Attributes:
        size: "WIDTHxHEIGHT" of the images.
        method: name.
        images: timed, after one to warm up.
        extract_ms: median.
        extract_ms_quartiles: first and third.
        times_first: median over the images of its time as a multiple of the first method's on the same image.
        times_first_quartiles: first and third.
        first: name of that method.
    """

    size: str
    method: str
    images: int
    extract_ms: float
    extract_ms_quartiles: tuple[float, float]
    times_first: float
    times_first_quartiles: tuple[float, float]
    first: str


def bench_speed(paths: Sequence[Path], methods: Mapping[str, Peer], progress: Progress) -> list[SpeedRow]:
    """Time every method on every image, turn about.

    Args:
        paths: of images of one size, at least one.
        methods: extractors by name; the first is what the others are compared with.
        progress: called with step, done, total.

    Raises:
        ImageError: an image cannot be read.
    """
    images = [read_image(path) for path in paths]
    for peer in methods.values():
        peer(images[0])
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for done, image in enumerate(images):
        progress("speed", done, len(images))
        for name, peer in methods.items():
            seconds[name].append(extract_timed(peer, image)[1])
    progress("speed", len(images), len(images))
    height, width = images[0].shape[:2]
    return [_row(f"{width}x{height}", name, seconds) for name in methods]


def _row(size: str, method: str, seconds: Mapping[str, Sequence[float]]) -> SpeedRow:
    first = next(iter(seconds))
    low, middle, high = quartiles(1000 * np.array(seconds[method]))
    least, ratio, most = quartiles(np.array(seconds[method]) / np.array(seconds[first]))
    return SpeedRow(size, method, len(seconds[method]), middle, (low, high), ratio, (least, most), first)


def quartiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return first quartile, median and third quartile of values (N,), N at least 1."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float(low), float(middle), float(high)
