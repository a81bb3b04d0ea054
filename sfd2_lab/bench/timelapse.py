# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixed cameras through days and nights: what does not move between frames is where it was, to the pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.timing import extract_all
from sfd2_lab.bench.two_view import gather_scores, match_views, matchers_of, score_views
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.images import list_images, read_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_lab.bench.two_view import Matcher, PairFigures, PairScore
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import Progress

NIGHT_BELOW = 85.0
"""Mean brightness (0 to 255) below which a frame counts as night: a third of the scale."""
LIGHTS = ("day-day", "night-day", "night-night")
"""Kinds of pairs."""
# Rec. 601, as JPEG has it.
_LUMA = (0.299, 0.587, 0.114)
_NO_MOTION = np.eye(3)


@dataclass(frozen=True)
class TimelapseRow:
    """Figures of one method on one camera for one kind of pairs.

    Attributes:
        scene: name of the camera's folder.
        light: of `LIGHTS`.
        method: name.
        figures: over the pairs.
        extract_ms: median time of an extraction.
        bytes_per_keypoint: of a descriptor.
        weights_id: identity of the method's weights.
    """

    scene: str
    light: str
    method: str
    figures: PairFigures
    extract_ms: float
    bytes_per_keypoint: int
    weights_id: str


def bench_timelapse(
    folder: Path,
    methods: Mapping[str, Peer],
    progress: Progress,
    *,
    pairs: int = 100,
    night_below: float = NIGHT_BELOW,
    seed: int = 0,
    lightglue: Mapping[str, Matcher] = MappingProxyType({}),
) -> list[TimelapseRow]:
    """Match frames of a camera that stands still with each other.

    Args:
        folder: of the camera's frames, all of one size.
        methods: extractors by name.
        progress: called with step, done, total.
        pairs: most pairs of each kind of `LIGHTS`, drawn evenly by `seed`; the same for all methods.
        night_below: mean brightness below which a frame is night. It is measured, not known: a night that the camera
            exposes brightly, or one in fog, counts as day.
        seed: of the draw.
        lightglue: by method, for a further row of it.

    Returns:
        Rows by kind of pairs and method; kinds of which the camera has no pair have none.

    Raises:
        ConfigError: `pairs` is not positive.
        SceneError: fewer than two frames, or of different sizes.
        ImageError: a frame cannot be read.
    """
    if pairs < 1:
        raise ConfigError(f"pairs is {pairs!r}; at least 1 is needed")
    frames = _read_frames(folder)
    dark = [brightness(frame) < night_below for frame in frames]
    chosen = choose_light_pairs(dark, pairs, seed)
    rows = []
    for name, peer in methods.items():
        features, extract_ms = extract_all(peer, frames, partial(_report, progress, name, len(frames)))
        costs = (extract_ms, peer.bytes_per_keypoint, peer.weights_id)
        for light, kind in chosen.items():
            for way, match in matchers_of(name, lightglue).items():
                scores = [_score(features[i], features[j], match) for i, j in kind]
                rows.append(TimelapseRow(folder.resolve().name, light, way, gather_scores(scores), *costs))
    return sorted(rows, key=lambda row: LIGHTS.index(row.light))


def _score(first: Features, second: Features, match: Matcher) -> PairScore:
    matches, seconds = match_views(first, second, match)
    return score_views(first, second, matches, second_from_first=_NO_MOTION, match_seconds=seconds)


def brightness(image: NDArray[np.uint8]) -> float:
    """Return the mean luma of an (H, W, 3) RGB image, 0 to 255."""
    return float(image.reshape(-1, 3).mean(axis=0) @ _LUMA)


def choose_light_pairs(dark: Sequence[bool], count: int, seed: int) -> dict[str, list[tuple[int, int]]]:
    """Draw pairs of frames of each kind of light.

    Args:
        dark: of each frame, whether it is night.
        count: most pairs of a kind.
        seed: of the draw.
        lightglue: by method, for a further row of it.

    Returns:
        Index pairs by kind, without kinds that have none; the night frame is the first of a night-day pair.
    """
    kinds: dict[str, list[tuple[int, int]]] = {light: [] for light in LIGHTS}
    for i, j in combinations(range(len(dark)), 2):
        if dark[i] != dark[j]:
            kinds["night-day"].append((i, j) if dark[i] else (j, i))
        else:
            kinds["night-night" if dark[i] else "day-day"].append((i, j))
    generator = np.random.default_rng(seed)
    drawn = {}
    for light, all_pairs in kinds.items():
        if all_pairs:
            picked = generator.permutation(len(all_pairs))[:count]
            drawn[light] = [all_pairs[index] for index in sorted(picked)]
    return drawn


def _report(progress: Progress, step: str, total: int, done: int) -> None:
    progress(step, done, total)


def _read_frames(folder: Path) -> list[NDArray[np.uint8]]:
    names = list_images(folder)
    if len(names) < 2:
        raise SceneError(f"camera {str(folder)!r} has {len(names)} frame; two are needed to compare")
    frames = [read_image(folder / name) for name in names]
    sizes = {frame.shape[:2] for frame in frames}
    if len(sizes) > 1:
        said = ", ".join(f"{width}x{height}" for height, width in sorted(sizes))
        raise SceneError(f"frames of camera {str(folder)!r} have sizes {said}; a fixed camera has one")
    return frames
