# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Many fixed cameras, night against day: right matches of each camera, and how far cameras differ.

A camera is a folder of frames of one size, named by light: `day_*`, `night_*`. An image `overlay.png` beside them marks
what is painted over the frames; keypoints there would be matched perfectly and are dropped. Cameras fall into two
halves by name, one to choose by and one to report, so that no figure that is reported has chosen anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.two_view import gather_scores, match_views, score_views
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.images import list_images, read_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_lab.bench.two_view import PairFigures
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import Progress

HALVES = ("choose", "report")
"""Cameras in order of their names belong to these in turn."""
OVERLAY = "overlay.png"
_NO_MOTION = np.eye(3)


@dataclass(frozen=True)
class NightRow:
    """Figures of one method on one camera.

    Attributes:
        camera: name of its folder.
        half: of `HALVES`.
        method: name.
        figures: over all pairs of a night frame and a day frame.
        weights_id: identity of the method's weights.
    """

    camera: str
    half: str
    method: str
    figures: PairFigures
    weights_id: str


@dataclass(frozen=True)
class NightSummary:
    """Figures of one method over cameras.

    Attributes:
        half: of `HALVES`, or "all".
        method: name.
        cameras: number.
        correct_matches: mean over the cameras.
        spread: standard error of that mean over the cameras; None for a single one.
        ratio: mean over the cameras of the logarithm of right matches against the first method, as a factor.
        ratio_spread: standard error of that logarithm, as a factor above 1; None for a single camera.
        repeated: keypoints of a frame that are found again, mean over the cameras.
        precision: mean over the cameras that have matches; None without any.
    """

    half: str
    method: str
    cameras: int
    correct_matches: float
    spread: float | None
    ratio: float
    ratio_spread: float | None
    repeated: float
    precision: float | None


def bench_nights(
    cameras: Sequence[Path], methods: Mapping[str, Peer], progress: Progress, *, frames: int = 3
) -> list[NightRow]:
    """Match night frames of each camera with its day frames.

    Args:
        cameras: folders, at least one; in order of their names they belong to the halves in turn.
        methods: extractors by name.
        progress: called with step, done, total.
        frames: of each light and camera, evenly chosen.

    Raises:
        ConfigError: `frames` is not positive.
        SceneError: a camera lacks a light, or its frames differ in size.
        ImageError: a frame cannot be read.
    """
    if frames < 1:
        raise ConfigError(f"frames is {frames!r}; at least 1 is needed")
    rows = []
    ordered = sorted(cameras, key=lambda path: path.name)
    for done, folder in enumerate(ordered):
        day, night = (_read(folder, light, frames) for light in ("day", "night"))
        overlay = _overlay(folder, {frame.shape[:2] for frame in (*day, *night)})
        for name, peer in methods.items():
            progress(f"{folder.name}, {name}", done, len(ordered))
            found = [[without_overlay(peer(frame), overlay) for frame in light] for light in (night, day)]
            scores = [
                score_views(one, other, match_views(one, other)[0], second_from_first=_NO_MOTION)
                for one, other in product(*found)
            ]
            half = HALVES[done % len(HALVES)]
            rows.append(NightRow(folder.name, half, name, gather_scores(scores), peer.weights_id))
    return rows


def summarise(rows: Sequence[NightRow]) -> list[NightSummary]:
    """Return the figures of each method over each half of the cameras and over all of them.

    Args:
        rows: of `bench_nights`; the method of the first row is what the others are compared with.
    """
    summaries = []
    for half in (*HALVES, "all"):
        kept = [row for row in rows if half in (row.half, "all")]
        base = {row.camera: row.figures.correct_matches for row in kept if row.method == rows[0].method}
        for method in dict.fromkeys(row.method for row in kept):
            own = [row for row in kept if row.method == method]
            # Half a match more on both sides keeps a camera without any from deciding everything.
            logs = [np.log((row.figures.correct_matches + 0.5) / (base[row.camera] + 0.5)) for row in own]
            counts = [row.figures.correct_matches for row in own]
            precisions = [row.figures.precision for row in own if row.figures.precision is not None]
            error, log_error = standard_error(counts), standard_error(logs)
            summaries.append(
                NightSummary(
                    half=half,
                    method=method,
                    cameras=len(own),
                    correct_matches=float(np.mean(counts)),
                    spread=error,
                    ratio=float(np.exp(np.mean(logs))),
                    ratio_spread=None if log_error is None else float(np.exp(log_error)),
                    repeated=float(
                        np.mean([(row.figures.repeatability or 0.0) * row.figures.mean_keypoints for row in own])
                    ),
                    precision=float(np.mean(precisions)) if precisions else None,
                )
            )
    return summaries


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of the mean of values; None below two."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def without_overlay(features: Features, overlay: NDArray[np.bool_] | None) -> Features:
    """Return features without keypoints on an overlay, (h, w) bool."""
    if overlay is None:
        return features
    x, y = np.rint(features.keypoints).astype(np.int64).T
    kept = ~overlay[y.clip(0, overlay.shape[0] - 1), x.clip(0, overlay.shape[1] - 1)]
    return replace(
        features,
        keypoints=features.keypoints[kept],
        scores=features.scores[kept],
        stability=features.stability[kept],
        descriptors=features.descriptors[kept],
    )


def cameras_in(folders: Sequence[Path]) -> list[Path]:
    """Return the cameras: each folder that has frames by day, or else the folders in it that do.

    Raises:
        SceneError: a folder is or holds no camera, or two cameras have one name.
    """
    found: list[Path] = []
    for folder in folders:
        inside = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
        cameras = [path for path in inside if any(path.glob("day_*"))]
        if not cameras:
            raise SceneError(f"no camera in {str(folder)!r}; a camera is a folder of frames day_* and night_*")
        found += cameras
    names = [path.resolve().name for path in found]
    if len(set(names)) < len(names):
        raise SceneError("two cameras have the same name; their rows would look alike")
    return found


def _read(folder: Path, light: str, count: int) -> list[NDArray[np.uint8]]:
    names = [name for name in list_images(folder) if name.startswith(f"{light}_")]
    if not names:
        raise SceneError(f"camera {str(folder)!r} has no frames {light}_*")
    chosen = np.unique(np.linspace(0, len(names) - 1, count).round().astype(int))
    return [read_image(folder / names[index]) for index in chosen]


def _overlay(folder: Path, sizes: set[tuple[int, ...]]) -> NDArray[np.bool_] | None:
    path = folder / OVERLAY
    if len(sizes) > 1:
        raise SceneError(f"frames of camera {str(folder)!r} have sizes {sorted(sizes)}; a fixed camera has one")
    if not path.is_file():
        return None
    overlay: NDArray[np.bool_] = read_image(path)[:, :, 0] > 0
    if overlay.shape not in sizes:
        raise SceneError(f"overlay {str(path)!r} is {overlay.shape} (h, w), the frames are {sorted(sizes)}")
    return overlay
