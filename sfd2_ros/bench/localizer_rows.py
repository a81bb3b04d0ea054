# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the localizer itself: consistency, rigs, tracking against relocalizing, wrong focal lengths."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.evaluation.consistency import consistency, nees
from sfd2_ros.evaluation.metrics import pose_error
from sfd2_ros.localization import Localizer, RigFrame, Tracker, TrackerConfig
from sfd2_ros.localization.focal import ANY_FOCAL_LENGTH
from sfd2_ros.simulation.odometry import drifting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_ros.bench.posed_drives import PosedDrive, Shot
    from sfd2_ros.localization import View
    from sfd2_ros.localization.frames import RigEstimate

CLOSE_M, CLOSE_DEG = 0.25, 2.0
FOCAL_SCALES = (0.67, 0.9, 0.97, 1.0, 1.03, 1.1, 1.5)


def nees_rows(drive: PosedDrive) -> list[dict[str, Any]]:
    """Return one row a condition: how the errors of single pictures compare with their covariances."""
    rows = []
    for condition in drive.conditions:
        shots = [shot for instant in drive.instants(condition) for shot in instant]
        found = [(drive.localizer.localize_rig([shot.view]).base, shot.map_from_base) for shot in shots]
        values = [nees(base.map_from_base, base.covariance, truth) for base, truth in found if base is not None]
        row: dict[str, Any] = {"scene": drive.name, "condition": condition, "queries": len(shots)}
        if values:
            summary = consistency(values)
            row |= {**asdict(summary), "is_within": summary.is_within}
        rows.append(row)
    return rows


def rig_rows(drive: PosedDrive) -> list[dict[str, Any]]:
    """Return one row a condition and set of cameras: each alone, and all together."""
    rows = []
    for condition in drive.conditions:
        instants = drive.instants(condition)
        names = list(dict.fromkeys(shot.camera_name for instant in instants for shot in instant))
        for chosen in [[name] for name in names] + ([names] if len(names) > 1 else []):
            pictures = [[shot for shot in instant if shot.camera_name in chosen] for instant in instants]
            found = [drive.localizer.localize_rig([shot.view for shot in shots]) for shots in pictures]
            errors = [_error(estimate, shots[0]) for estimate, shots in zip(found, pictures, strict=True)]
            rows.append({"scene": drive.name, "condition": condition, "cameras": "+".join(chosen), **_scores(errors)})
    return rows


def tracking_rows(
    drive: PosedDrive, condition: str, *, seed: int = 0, clock: Callable[[], float] = time.process_time
) -> list[dict[str, Any]]:
    """Return two rows: every frame searched in the whole map, and the same frames tracked.

    Args:
        drive: whose queries of one condition follow each other.
        condition: of the queries.
        seed: of the drift of odometry.
        clock: of the processor by default, so that a busy machine measures the same.
    """
    instants = drive.instants(condition)
    odometry = drifting([shots[0].map_from_base for shots in instants], seed)
    rows = []
    for mode, config in (("relocalizing", TrackerConfig(enabled=False)), ("tracking", TrackerConfig())):
        tracker = Tracker(drive.localizer, config)
        errors, seconds, methods = [], [], []
        for shots, odom in zip(instants, odometry, strict=True):
            frame = RigFrame(shots[0].stamp_ns, [shot.view for shot in shots], odom)
            started = clock()
            found = tracker.process(frame)
            seconds.append(clock() - started)
            methods.append(found.method.value if found.estimate.is_localized else "refused")
            errors.append(_error(found.estimate, shots[0]))
        times = {f"p{share}_s": float(np.percentile(seconds, share)) for share in (50, 95)}
        answered = {name: methods.count(name) for name in ("tracked", "verified", "searched", "refused")}
        rows.append({"scene": drive.name, "condition": condition, "mode": mode, **_scores(errors), **times, **answered})
    return rows


def focal_rows(drive: PosedDrive, scales: Sequence[float] = FOCAL_SCALES) -> list[dict[str, Any]]:
    """Return one row a scale: what becomes of pictures whose camera is said to have another focal length."""
    config = drive.localizer.config
    blind = Localizer(drive.localizer.map, replace(config, max_focal_error=ANY_FOCAL_LENGTH))
    rows = []
    for scale in scales:
        row: dict[str, Any] = {"scene": drive.name, "scale": scale, "queries": len(drive.shots)}
        for name, localizer in (("unchecked", blind), ("checked", drive.localizer)):
            found = [(localizer.localize_rig([_with_focal(shot, scale)]), shot) for shot in drive.shots]
            scores = _scores([_error(estimate, shot) for estimate, shot in found])
            row |= {f"{name}_{key}": scores[key] for key in ("localized", "median_m", "largest_m")}
        refused = [estimate.status for estimate, _ in found]
        rows.append({**row, "wrong_focal_length": refused.count(Status.WRONG_FOCAL_LENGTH)})
    return rows


def _with_focal(shot: Shot, scale: float) -> View:
    camera = shot.view.camera
    return replace(shot.view, camera=replace(camera, fx=camera.fx * scale, fy=camera.fy * scale))


def _error(estimate: RigEstimate, shot: Shot) -> tuple[float, float] | None:
    """Return metres and degrees between estimate and truth of the base; None when refused."""
    if estimate.base is None:
        return None
    return pose_error(inverse(estimate.base.map_from_base), inverse(shot.map_from_base))


def _scores(errors: Sequence[tuple[float, float] | None]) -> dict[str, Any]:
    localized = np.array([error for error in errors if error is not None]).reshape(-1, 2)
    close = np.sum((localized[:, 0] <= CLOSE_M) & (localized[:, 1] <= CLOSE_DEG))
    return {
        "frames": len(errors),
        "localized": len(localized),
        "recall": float(close / len(errors)),
        "median_m": float(np.median(localized[:, 0])) if len(localized) else None,
        "largest_m": float(localized[:, 0].max()) if len(localized) else None,
    }
