# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our localizer beside plain hierarchical localization, on the same features of the same images."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.plain_localizer import localize_plainly
from sfd2_lab.bench.plain_map import build_plain_map
from sfd2_lab.bench.remembered import RememberedFeatures
from sfd2_lab.bench.scene_parts import load_bench_scene
from sfd2_lab.bench.speed import quartiles
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.metrics import score_poses
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localized, Localizer
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.builder import MapBuilder
from sfd2_ros.mapping.match_images import extract_images
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.plain_map import PlainMap
    from sfd2_lab.bench.scene_parts import BenchScene
    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

OURS, PLAIN, GATED = "ours", "plain", "plain, 12 inliers"
METHODS = (OURS, PLAIN, GATED)
GATE = 12
FOREIGN = "foreign"


@dataclass(frozen=True)
class PipelineRow:
    """Figures of one pipeline on one scene under one condition.

    Attributes:
        scene: name of the scene.
        condition: of the queries; "foreign" for images of other places.
        method: "ours", "plain", or "plain, 12 inliers": plain, with poses of fewer inliers rejected.
        queries: images with a reference pose.
        localized: those with a pose.
        recall: shares of the queries within the three thresholds.
        median_position_m: over the localized queries; None without any.
        median_rotation_deg: likewise.
        mean_inliers: over all images, 0 without a pose.
        false_accepts: poses beyond the coarsest threshold, and foreign images with a pose.
        foreign: images of other places.
        localize_ms: median time from features to pose.
        localize_ms_quartiles: first and third quartile.
        times_ours: median over the images of its time as a multiple of ours; on a busy machine a ratio holds.
        times_ours_quartiles: first and third quartile.
        map_bytes: what has to be kept on disk.
        map_seconds: to match, triangulate and store; extraction, which both share, not counted.
        extract_ms: median time of an extraction.
    """

    scene: str
    condition: str
    method: str
    queries: int
    localized: int
    recall: tuple[float, ...]
    median_position_m: float | None
    median_rotation_deg: float | None
    mean_inliers: float
    false_accepts: int
    foreign: int
    localize_ms: float
    localize_ms_quartiles: tuple[float, float]
    times_ours: float
    times_ours_quartiles: tuple[float, float]
    map_bytes: int
    map_seconds: float
    extract_ms: float


@dataclass(frozen=True)
class ForeignScene:
    """Images of another place.

    Attributes:
        folder: scene folder.
        most: of its images are offered, evenly chosen; None for all.
    """

    folder: Path
    most: int | None = None

    def images(self) -> Iterator[tuple[str, Path, Camera]]:
        """Yield name, path and intrinsics of each image."""
        scene = load_scene(self.folder)
        images = list(scene.images.values())
        step = 1 if self.most is None else max(1, -(-len(images) // self.most))
        for image in images[::step]:
            yield f"{self.folder.resolve().name}/{image.name}", scene.image_folder / image.name, image.camera


@dataclass(frozen=True, eq=False)
class _Maps:
    """Both maps of a scene, with what they took."""

    localizer: Localizer
    plain: PlainMap
    bytes_of: dict[str, int]
    seconds_of: dict[str, float]


@dataclass
class _Tally:
    """What is learnt of one pipeline under one condition."""

    poses: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    inliers: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def bench_pipeline(
    folder: Path,
    extractor: FeatureExtractor,
    *,
    work: Path,
    progress: Progress,
    conditions: Sequence[str] | None = None,
    foreign: Sequence[ForeignScene] = (),
) -> list[PipelineRow]:
    """Map a scene both ways and localize its queries and foreign images both ways, turn about.

    Args:
        folder: of the scene, with map.txt and query.txt.
        extractor: of the features that both use.
        work: folder for the maps; it must not exist.
        progress: called with step, done, total.
        conditions: queries under others are left out; None for all.
        foreign: other places whose images are offered too.

    Raises:
        SceneError: a part of a scene is missing.
        MapBuildError: the map images do not match.
        ImageError: an image cannot be read.
        OutputError: `work` cannot be written.
    """
    scene = load_bench_scene(folder, conditions)
    remembered = RememberedFeatures(extractor)

    def report(step: str, done: int, total: int) -> None:
        progress(f"{scene.name} {step}", done, total)

    maps = _build(scene, remembered, work, report)
    offered = [
        (name, _kind(scene, name), scene.scene.image_folder / name, scene.scene.camera_of(name))
        for name in scene.condition_of
    ]
    offered += [(name, FOREIGN, path, camera) for one in foreign for name, path, camera in one.images()]
    tallies: dict[tuple[str, str], _Tally] = {
        (kind, method): _Tally() for kind in dict.fromkeys(one[1] for one in offered) for method in METHODS
    }
    for number, (name, kind, path, camera) in enumerate(offered):
        report("localize", number, len(offered))
        features = remembered(read_image(path))
        here = {method: tallies[kind, method] for method in METHODS}
        _localize(maps, name, features, camera, tallies=here, turn=number)
    report("localize", len(offered), len(offered))
    extract_ms = 1000 * float(np.median(remembered.seconds))
    return [
        _row(scene, maps, kind, method, tally=tally, ours=tallies[kind, OURS], extract_ms=extract_ms)
        for (kind, method), tally in tallies.items()
    ]


def _kind(scene: BenchScene, name: str) -> str:
    return scene.condition_of[name] if name in scene.queries.reference else FOREIGN


def _build(scene: BenchScene, extractor: RememberedFeatures, work: Path, report: Progress) -> _Maps:
    image_folder, images = scene.scene.image_folder, scene.map_images
    names, cameras = [one.name for one in images], [one.camera for one in images]
    features = extract_images(names, image_folder, cameras, extractor, report)
    start = time.perf_counter()
    MapBuilder(extractor, progress=report).from_poses(images, image_folder, work / OURS)
    between = time.perf_counter()
    plain = build_plain_map(images, features, image_folder, work / PLAIN, progress=report)
    seconds = {OURS: between - start, PLAIN: time.perf_counter() - between}
    size = {
        name: sum(file.stat().st_size for file in (work / name).rglob("*") if file.is_file()) for name in (OURS, PLAIN)
    }
    return _Maps(Localizer(load_map(work / OURS)), plain, size, seconds)


def _localize(
    maps: _Maps, name: str, features: Features, camera: Camera, *, tallies: dict[str, _Tally], turn: int
) -> None:
    """Localize one image both ways; who is first changes, so that neither finds the caches warm more often."""

    def ours() -> None:
        start = time.perf_counter()
        estimate = maps.localizer.localize(features, camera)
        pose = inverse(estimate.map_from_cam) if isinstance(estimate, Localized) else None
        _note(tallies[OURS], name, pose, estimate.evidence.num_inliers, time.perf_counter() - start)

    def plain() -> None:
        start = time.perf_counter()
        found = localize_plainly(maps.plain, features, camera)
        seconds = time.perf_counter() - start
        pose, inliers = (None, 0) if found is None else (found.cam_from_map, found.num_inliers)
        _note(tallies[PLAIN], name, pose, inliers, seconds)
        _note(tallies[GATED], name, pose if inliers >= GATE else None, inliers, seconds)

    order: list[Callable[[], None]] = [ours, plain] if turn % 2 == 0 else [plain, ours]
    for each in order:
        each()


def _note(tally: _Tally, name: str, pose: NDArray[np.float64] | None, inliers: int, seconds: float) -> None:
    tally.seconds.append(seconds)
    tally.inliers.append(inliers if pose is not None else 0)
    if pose is not None:
        tally.poses[name] = pose


def _row(
    scene: BenchScene, maps: _Maps, kind: str, method: str, *, tally: _Tally, ours: _Tally, extract_ms: float
) -> PipelineRow:
    reference = {
        name: pose
        for name, pose in scene.queries.reference.items()
        if kind != FOREIGN and scene.condition_of.get(name) == kind
    }
    offered_foreign = len(tally.seconds) if kind == FOREIGN else 0
    scores = score_poses(tally.poses, reference, foreign=list(tally.poses) if kind == FOREIGN else ())
    first, middle, third = quartiles(1000 * np.array(tally.seconds))
    low, ratio, high = quartiles(np.array(tally.seconds) / np.array(ours.seconds))
    stored = OURS if method == OURS else PLAIN
    return PipelineRow(
        scene=scene.name,
        condition=kind,
        method=method,
        queries=scores.queries,
        localized=scores.localized,
        recall=scores.recall,
        median_position_m=scores.median_position_m,
        median_rotation_deg=scores.median_rotation_deg,
        mean_inliers=float(np.mean(tally.inliers)),
        false_accepts=scores.false_accepts,
        foreign=offered_foreign,
        localize_ms=middle,
        localize_ms_quartiles=(first, third),
        times_ours=ratio,
        times_ours_quartiles=(low, high),
        map_bytes=maps.bytes_of[stored],
        map_seconds=round(maps.seconds_of[stored], 2),
        extract_ms=extract_ms,
    )
