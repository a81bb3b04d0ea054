# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the localizer itself: consistency, rigs, tracking against relocalizing, wrong intrinsics."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.simulation.odometry import drifting
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.evaluation.consistency import consistency, nees
from sfd2_ros.evaluation.metrics import pose_error
from sfd2_ros.localization import Localized, RigFrame, Tracker, TrackerConfig
from sfd2_ros.localization.gates import ANY_INTRINSICS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_lab.bench.posed_drives import PosedDrive, Shot
    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization import Result

CLOSE_M, CLOSE_DEG = 0.25, 2.0
FOCAL_SCALES = (0.67, 0.9, 0.97, 1.0, 1.03, 1.1, 1.5)
CENTRE_SHARES = (0.03, 0.06, 0.12)
_TURN_RAD = 2.4
_WRONG_INTRINSICS = {Status.WRONG_FOCAL_LENGTH, Status.WRONG_PRINCIPAL_POINT}


def nees_rows(drive: PosedDrive) -> list[dict[str, Any]]:
    """Return one row a condition: how the errors of single images compare with their covariances."""
    rows = []
    for condition in drive.conditions:
        shots = [shot for instant in drive.instants(condition) for shot in instant]
        results = [(drive.localizer.localize_rig([shot.view]), shot.map_from_base) for shot in shots]
        values = [
            nees(result.map_from_base, result.covariance, truth)
            for result, truth in results
            if isinstance(result, Localized)
        ]
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
            result = tracker.process(frame)
            seconds.append(clock() - started)
            methods.append(result.evidence.method if isinstance(result, Localized) else "refused")
            errors.append(_error(result, shots[0]))
        times = {f"p{share}_s": float(np.percentile(seconds, share)) for share in (50, 95)}
        answered = {name: methods.count(name) for name in ("tracked", "verified", "searched", "refused")}
        rows.append({"scene": drive.name, "condition": condition, "mode": mode, **_scores(errors), **times, **answered})
    return rows


def intrinsics_rows(
    drive: PosedDrive, scales: Sequence[float] = FOCAL_SCALES, shares: Sequence[float] = CENTRE_SHARES
) -> list[dict[str, Any]]:
    """Return one row for each wrong value of the intrinsics: poses accepted without and with the gate.

    Args:
        drive: with queries.
        scales: of the focal length.
        shares: how far off the principal point is, of the focal length; in another direction for every image.
    """
    config = drive.localizer.config
    unchecked = replace(config.gates, max_focal_error=ANY_INTRINSICS, max_centre_error=ANY_INTRINSICS)
    blind = drive.localizer.with_config(replace(config, gates=unchecked))
    lies: list[tuple[str, Callable[[int, Camera], Camera]]] = [
        *((f"focal length x {scale:g}", partial(_with_focal_length, scale)) for scale in scales),
        *((f"principal point {share:.0%} off", partial(_with_principal_point, share)) for share in shares),
    ]
    rows = []
    for said, lie in lies:
        views = [replace(shot.view, camera=lie(number, shot.view.camera)) for number, shot in enumerate(drive.shots)]
        row: dict[str, Any] = {"scene": drive.name, "camera_info": said, "queries": len(drive.shots)}
        for name, localizer in (("unchecked", blind), ("checked", drive.localizer)):
            found = [localizer.localize_rig([view]) for view in views]
            scores = _scores([_error(estimate, shot) for estimate, shot in zip(found, drive.shots, strict=True)])
            row |= {f"{name}_{key}": scores[key] for key in ("localized", "median_m", "largest_m")}
        rows.append({**row, "refused": sum(estimate.status in _WRONG_INTRINSICS for estimate in found)})
    return rows


def _with_focal_length(scale: float, number: int, camera: Camera) -> Camera:
    del number
    return replace(camera, fx=camera.fx * scale, fy=camera.fy * scale)


def _with_principal_point(share: float, number: int, camera: Camera) -> Camera:
    angle, length_px = _TURN_RAD * number, share * (camera.fx + camera.fy) / 2
    return replace(camera, cx=camera.cx + length_px * np.cos(angle), cy=camera.cy + length_px * np.sin(angle))


def _error(estimate: Result, shot: Shot) -> tuple[float, float] | None:
    """Return metres and degrees between result and ground truth of the base; None when rejected."""
    if not isinstance(estimate, Localized):
        return None
    return pose_error(inverse(estimate.map_from_base), inverse(shot.map_from_base))


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
