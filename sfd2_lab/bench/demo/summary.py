# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the poses published on TF, compared with the ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import pose_error, score_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.bench.demo.replay import Outcome, Replay
    from sfd2_ros.mapping import Map


def summarize(replay: Replay, map_: Map) -> dict[str, Any]:
    """Return the figures of a replay.

    A frame counts as localized when a transform was broadcast for it; its pose is that transform times odometry.

    Returns:
        frames, localized, median_position_m, median_rotation_deg, recall (three fractions), false_accepts, latency_ms
        (p50, p95 over the localized frames), map (images, points, bytes), weights_id, tf_messages.
    """
    # `score_poses` compares poses of the map in something; here that is the robot's base.
    reference = {str(number): inverse(outcome.truth) for number, outcome in enumerate(replay.outcomes)}
    told = {
        str(number): inverse(outcome.map_from_base)
        for number, outcome in enumerate(replay.outcomes)
        if outcome.map_from_base is not None
    }
    scores = score_poses(told, reference)
    return {
        "frames": len(replay.outcomes),
        "localized": scores.localized,
        "median_position_m": scores.median_position_m,
        "median_rotation_deg": scores.median_rotation_deg,
        "recall": list(scores.recall),
        "false_accepts": scores.false_accepts,
        "latency_ms": _latency_ms(replay.outcomes),
        "map": {"images": len(map_.images), "points": len(map_.landmarks), "bytes": map_.size_bytes},
        "weights_id": map_.weights_id,
        "tf_messages": replay.tf_messages,
    }


def frame_rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return what became of each frame, for a table or a file."""
    rows = []
    for number, outcome in enumerate(outcomes):
        position_m = rotation_deg = None
        if outcome.map_from_base is not None:
            position_m, rotation_deg = pose_error(inverse(outcome.map_from_base), inverse(outcome.truth))
        rows.append(
            {
                "frame": number,
                "status": outcome.status,
                "reason": outcome.reason,
                "position_error_m": position_m,
                "rotation_error_deg": rotation_deg,
                "inliers": outcome.num_inliers,
                "latency_ms": outcome.latency_s * 1e3 if np.isfinite(outcome.latency_s) else None,
            }
        )
    return rows


def _latency_ms(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """Return the median and the 95th percentile, stamp to pose; None without localized frames."""
    latencies = [outcome.latency_s * 1e3 for outcome in outcomes if outcome.map_from_base is not None]
    if not latencies:
        return {"p50": None, "p95": None}
    return {"p50": float(np.percentile(latencies, 50)), "p95": float(np.percentile(latencies, 95))}
