# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Map a scene with each method and localize its queries, through our own `MapBuilder` and `Localizer` for all.

Settings that were chosen for our descriptors are off: no least similarity, no second look along a pose that is already
known, and every map image is a candidate, so that no method's retrieval decides what its matching is worth.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.rows import FeatureRow
from sfd2_lab.bench.scene_parts import load_bench_scene, unstable_keypoints
from sfd2_lab.bench.timing import extract_timed
from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.metrics import score_poses
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import GatesConfig, Localized, Localizer, LocalizerConfig, MatchingConfig, RetrievalConfig
from sfd2_ros.localization.gates import ANY_INTRINSICS
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.builder import MapBuilder
from sfd2_ros.mapping.map_config import MapConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_lab.bench.scene_parts import BenchScene
    from sfd2_ros.mapping.builder import MapReport
    from sfd2_ros.mapping.match_images import Progress

_ALL_PAIRS_UP_TO = 150
_ALL_CANDIDATES = 1000


def neutral_map_config() -> MapConfig:
    """Return settings of map building that favour no descriptor: all pairs of up to 150 images, any similarity."""
    return MapConfig(exhaustive_up_to=_ALL_PAIRS_UP_TO, min_similarity=-1.0)


def neutral_localizer_config() -> LocalizerConfig:
    """Return settings of localization that favour no descriptor; see the module."""
    return LocalizerConfig(
        retrieval=RetrievalConfig(candidates=_ALL_CANDIDATES),
        matching=MatchingConfig(min_similarity=-1.0, guided_radius_px=0.0),
        # These gates were set with our descriptors in view, and refuse right poses of others: all of SIFT's by night.
        # What is left asks for inliers, and more of them than chance gives.
        gates=GatesConfig(
            max_rival_share=1.0,
            min_log_likelihood_ratio=0.0,
            min_distinct_share=0.0,
            max_focal_error=ANY_INTRINSICS,
            max_centre_error=ANY_INTRINSICS,
        ),
    )


@dataclass(frozen=True)
class _Built:
    """What became of a map: a report, or why there is none."""

    report: MapReport | None
    seconds: float
    failed: str | None


@dataclass
class _Tally:
    """What is learnt of the queries of one condition."""

    poses: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    inliers: list[int] = field(default_factory=list)
    keypoints: list[int] = field(default_factory=list)
    extract_s: list[float] = field(default_factory=list)
    match_s: list[float] = field(default_factory=list)
    unstable: int = 0
    labelled: int = 0


def bench_scene(
    folder: Path,
    methods: Mapping[str, Peer],
    *,
    work: Path,
    progress: Progress,
    conditions: Sequence[str] | None = None,
) -> list[FeatureRow]:
    """Map and localize one scene with every method.

    Args:
        folder: of the scene, with map.txt and query.txt.
        methods: extractors by name.
        work: folder for the maps; each method's is replaced.
        progress: called with step, done, total.
        conditions: queries under others are left out; None for all.

    Returns:
        Rows by condition and method. A method whose map cannot be built has recall 0 and says why.

    Raises:
        SceneError: a part of the scene is missing.
        CameraError: intrinsics do not fit the images.
        ImageError: an image cannot be read.
        OutputError: `work` cannot be written.
    """
    scene = load_bench_scene(folder, conditions)
    rows = []
    for name, peer in methods.items():
        rows += _bench_method(scene, name, peer, work / scene.name / name, progress)
    order = list(dict.fromkeys(scene.condition_of.values()))
    return sorted(rows, key=lambda row: order.index(row.condition))


def _bench_method(scene: BenchScene, method: str, peer: Peer, output: Path, progress: Progress) -> list[FeatureRow]:
    def report(step: str, done: int, total: int) -> None:
        progress(f"{scene.name} {method} {step}", done, total)

    map_ = _build(scene, peer, output, report)
    tallies = _empty(scene) if map_.report is None else _localize(scene, peer, output, report)
    return [_row(scene, condition, method, peer, (map_, tally)) for condition, tally in tallies.items()]


def _build(scene: BenchScene, peer: Peer, output: Path, report: Progress) -> _Built:
    start = time.perf_counter()
    made, failed = None, None
    try:
        made = MapBuilder(peer, neutral_map_config(), report).from_poses(
            scene.map_images, scene.scene.image_folder, output, overwrite=True
        )
    except MapBuildError as err:
        failed = str(err)
    return _Built(made, time.perf_counter() - start, failed)


def _empty(scene: BenchScene) -> dict[str, _Tally]:
    return {condition: _Tally() for condition in scene.condition_of.values()}


def _localize(scene: BenchScene, peer: Peer, map_folder: Path, report: Progress) -> dict[str, _Tally]:
    localizer = Localizer(load_map(map_folder, verify=False), neutral_localizer_config())
    tallies = _empty(scene)
    for done, (name, condition) in enumerate(scene.condition_of.items()):
        report("localize", done, len(scene.condition_of))
        tally = tallies[condition]
        features, seconds = extract_timed(peer, read_image(scene.scene.image_folder / name))
        estimate = localizer.localize(features, scene.scene.camera_of(name))
        if isinstance(estimate, Localized):
            tally.poses[name] = inverse(estimate.map_from_cam)
        if name not in scene.queries.reference:
            continue
        tally.inliers.append(estimate.evidence.num_inliers if isinstance(estimate, Localized) else 0)
        tally.keypoints.append(len(features))
        tally.extract_s.append(seconds)
        tally.match_s.append(estimate.evidence.seconds.get("match", 0.0))
        counted = unstable_keypoints(features, scene.scene.folder, name)
        if counted is not None:
            tally.unstable += counted[0]
            tally.labelled += counted[1]
    report("localize", len(scene.condition_of), len(scene.condition_of))
    return tallies


def _row(scene: BenchScene, condition: str, method: str, peer: Peer, found: tuple[_Built, _Tally]) -> FeatureRow:
    (map_, tally) = found
    here = {name for name, one in scene.condition_of.items() if one == condition}
    reference = {name: pose for name, pose in scene.queries.reference.items() if name in here}
    foreign = [name for name in scene.queries.foreign if name in here]
    scores = score_poses(tally.poses, reference, foreign=foreign)
    landmarks = 0 if map_.report is None else map_.report.landmarks
    return FeatureRow(
        scene=scene.name,
        condition=condition,
        method=method,
        recall=scores.recall,
        median_position_m=scores.median_position_m,
        median_rotation_deg=scores.median_rotation_deg,
        mean_inliers=float(np.mean(tally.inliers)) if tally.inliers else 0.0,
        refused=scores.queries - scores.localized,
        unstable_fraction=tally.unstable / tally.labelled if tally.labelled else None,
        extract_ms=_median_ms(tally.extract_s),
        match_ms=_median_ms(tally.match_s),
        bytes_per_keypoint=peer.bytes_per_keypoint,
        queries=scores.queries,
        localized=scores.localized,
        false_accepts=scores.false_accepts,
        foreign=scores.foreign,
        mean_keypoints=float(np.mean(tally.keypoints)) if tally.keypoints else None,
        weights_id=peer.weights_id,
        landmarks=landmarks,
        descriptor_bytes=landmarks * peer.bytes_per_keypoint,
        map_error_px=None if map_.report is None else map_.report.reprojection_error_px,
        map_seconds=round(map_.seconds, 2),
        failed=map_.failed,
    )


def _median_ms(seconds: Sequence[float]) -> float | None:
    return 1000 * float(np.median(seconds)) if seconds else None
