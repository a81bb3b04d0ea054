# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the fusion of measured poses with odometry: errors, steps of map to odom, consistency."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.simulation.odometry import drifting
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.consistency import consistency, nees
from sfd2_ros.evaluation.metrics import pose_error
from sfd2_ros.localization import FusionConfig, Localized, PoseFusion, RigFrame, Tracker
from sfd2_ros.localization.frames import map_from_odom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_lab.bench.posed_drives import PosedDrive, Shot
    from sfd2_ros.localization import Localizer
    from sfd2_ros.localization.frames import BasePose

SEEDS = (0, 1, 2)
MODES = ("measured", "fused", "independent")


@dataclass
class _Told:
    """What was published in one mode, of all seeds of odometry.

    Attributes:
        errors: metres and degrees from the ground truth, of each pose.
        steps: metres and degrees by which each new map to odom moved the robot.
        nees: of each pose.
        anew: how often the filter began again after the first pose.
    """

    errors: list[tuple[float, float]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    nees: list[float] = field(default_factory=list)
    anew: int = 0


def fusion_rows(
    drive: PosedDrive,
    condition: str,
    *,
    drift: float = 1.0,
    config: FusionConfig | None = None,
    seeds: Sequence[int] = SEEDS,
) -> list[dict[str, Any]]:
    """Return three rows: the measured poses, the same fused with odometry, and fused as if they erred independently.

    Args:
        drive: whose queries of one condition follow each other.
        condition: of the queries.
        drift: of odometry, as a multiple of a good one's.
        config: of the fusion; None for the defaults.
        seeds: of odometry; the drive is tracked once with each, and all are counted together.
    """
    modes = {mode: _Told() for mode in MODES}
    for seed in seeds:
        instants = drive.instants(condition)
        odometry = drifting([shots[0].map_from_base for shots in instants], seed, times=drift)
        _drive_once(drive.localizer, instants, odometry, config or FusionConfig(), modes)
    frames = len(seeds) * len(drive.instants(condition))
    common = {"scene": drive.name, "condition": condition, "drift": drift, "frames": frames}
    return [{**common, "mode": mode, **_summary(told)} for mode, told in modes.items()]


def _drive_once(
    localizer: Localizer,
    instants: Sequence[Sequence[Shot]],
    odometry: Sequence[NDArray[np.float64]],
    config: FusionConfig,
    modes: dict[str, _Told],
) -> None:
    tracker = Tracker(localizer)
    filters = {
        "fused": PoseFusion(config, tracker.motion),
        "independent": PoseFusion(replace(config, common_share=0.0), tracker.motion),
    }
    last: dict[str, NDArray[np.float64]] = {}
    for shots, odom_from_base in zip(instants, odometry, strict=True):
        frame = RigFrame(shots[0].stamp_ns, [shot.view for shot in shots], odom_from_base)
        measured = tracker.process(frame)
        if not isinstance(measured, Localized):
            continue
        bases: dict[str, BasePose] = {"measured": measured}
        for mode, fusion in filters.items():
            fused = fusion.fuse(frame.stamp_ns, measured, odom_from_base, max_jump=localizer.config.gates.max_jump)
            modes[mode].anew += fused.is_new and bool(last)
            bases[mode] = fused.base
        for mode, base in bases.items():
            if mode in last:
                modes[mode].steps.append(_apart(last[mode] @ odom_from_base, base.map_from_base))
            last[mode] = map_from_odom(base.map_from_base, odom_from_base)
            _note(modes[mode], base, shots[0].map_from_base)


def _note(told: _Told, base: BasePose, truth: NDArray[np.float64]) -> None:
    told.errors.append(_apart(truth, base.map_from_base))
    told.nees.append(nees(base.map_from_base, base.covariance, truth))


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Return metres and degrees between two poses of the base in the map."""
    return pose_error(inverse(one), inverse(other))


def _summary(told: _Told) -> dict[str, Any]:
    row: dict[str, Any] = {"poses": len(told.errors), "anew": told.anew}
    if not told.steps:
        return row
    for name, pairs in (("error", told.errors), ("step", told.steps)):
        metres, degrees = np.array(pairs).T
        for share in (50, 95):
            row[f"{name}_p{share}_mm"] = float(1000 * np.percentile(metres, share))
            row[f"{name}_p{share}_deg"] = float(np.percentile(degrees, share))
    summary = consistency(told.nees)
    return row | {
        "mean_nees": summary.mean_nees,
        "median_nees": summary.median_nees,
        "bounds": summary.bounds,
        "share_within": summary.share_within,
    }
