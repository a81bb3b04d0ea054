# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a build of a drive reports: figures as JSON, poses as a table, the way before and after as an image."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.files import atomic_folder
from sfd2_ros.mapping.drive.plan import draw_plan

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.mapping.builder import MapReport
    from sfd2_ros.mapping.drive.optimise import OptimisedDrive

REPORT = "report.json"


def figures(drive: Drive, found: OptimisedDrive) -> dict[str, Any]:
    """Return the figures of an optimised drive, for a manifest or a JSON file; what is not measured is None."""
    accepted = [loop for loop in found.loops if not loop.rejected]
    sigmas = np.sqrt(np.maximum(np.array([np.diag(one) for one in found.covariances]), 0.0))
    way_m = drive.keyframes[-1].travelled_m
    return {
        "keyframes": len(drive.keyframes),
        "images": len(drive.images),
        "way_m": round(way_m, 2),
        "loops": len(accepted),
        "loops_rejected": len(found.loops) - len(accepted),
        "jumps": list(found.jumps),
        "fixes": len(drive.fixes),
        "fixes_rejected": found.rejected_fixes,
        "datum": None if found.datum is None else dataclasses.asdict(found.datum),
        "scale": round(found.scale, 6),
        "scale_sigma": _number(found.scale_sigma),
        "moved_m": _number(np.median(_moved(found))),
        "position_sigma_m": _number(np.median(np.linalg.norm(sigmas[:, :3], axis=1))),
        "rotation_sigma_deg": _number(np.degrees(np.median(np.linalg.norm(sigmas[:, 3:], axis=1)))),
        "residuals": {name: _number(value) for name, value in dataclasses.asdict(found.residuals).items()},
        "notes": list(found.notes),
    }


def write_report(folder: Path, drive: Drive, found: OptimisedDrive, built: MapReport) -> None:
    """Write report.json, keyframes.csv and trajectory.png into a folder that replaces an older one.

    Raises:
        OutputError: the folder cannot be written, or is not of this kind.
    """
    reasons = Counter(loop.rejected.partition(" by ")[0] for loop in found.loops if loop.rejected)
    content = {
        **figures(drive, found),
        "map": dataclasses.asdict(built),
        "loops_rejected_because": dict(reasons),
        "loops_found": [
            {
                "first": loop.pose.first,
                "second": loop.pose.second,
                "inliers": loop.pose.inliers,
                "rejected": loop.rejected or None,
            }
            for loop in found.loops
        ],
    }
    with atomic_folder(folder, overwrite=True, marker=REPORT) as temporary:
        (temporary / REPORT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        (temporary / "keyframes.csv").write_text(_table(drive, found), encoding="utf-8")
        (temporary / "trajectory.png").write_bytes(draw_plan(found))


def _moved(found: OptimisedDrive) -> np.ndarray[Any, Any]:
    """Return (K,) how far the optimisation moved each keyframe, from a common first pose."""
    start = found.poses[0] @ np.linalg.inv(found.before[0])
    return np.array(
        [
            float(np.linalg.norm((start @ old)[:3, 3] - new[:3, 3]))
            for old, new in zip(found.before, found.poses, strict=True)
        ]
    )


def _table(drive: Drive, found: OptimisedDrive) -> str:
    lines = ["stamp_ns,x_m,y_m,z_m,sigma_x_m,sigma_y_m,sigma_z_m,sigma_yaw_deg"]
    for keyframe, pose, covariance in zip(drive.keyframes, found.poses, found.covariances, strict=True):
        sigma = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        numbers = [*pose[:3, 3], *sigma[:3], np.degrees(sigma[5])]
        lines.append(",".join([str(keyframe.stamp_ns), *(f"{value:.4f}" for value in numbers)]))
    return "\n".join(lines) + "\n"


def _number(value: float | bool) -> float | bool | None:  # noqa: FBT001  a value, not a switch
    if isinstance(value, bool):
        return value
    return round(float(value), 5) if np.isfinite(value) else None
