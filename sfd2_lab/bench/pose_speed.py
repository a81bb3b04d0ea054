# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Times from an image to its pose: a search of the whole map, and tracking, on the queries of a scene."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.simulation.odometry import drifting
from sfd2_ros.localization import Localized, RigFrame, Tracker, TrackerConfig
from sfd2_ros.localization.states import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.bench.posed_drives import PosedDrive, Shot
    from sfd2_ros.localization import Localizer

SEARCH, TRACK = "features to pose, search", "features to pose, tracking"
"""Names of the stages."""


def pose_rows(drive: PosedDrive, condition: str) -> list[dict[str, Any]]:
    """Return the times of the queries of one condition: search and tracking in turn, by processor time of one core.

    Args:
        drive: map and queries with features.
        condition: of the queries.
    """
    shots = [shot for shot in drive.shots if shot.condition == condition]
    searched, tracked = _times(drive.localizer, shots)
    ratio = float(np.median(tracked) / np.median(searched)) if tracked else None
    rows = []
    for stage, seconds in ((SEARCH, searched), (TRACK, tracked)):
        if not seconds:
            continue
        rows.append(
            {
                "network": drive.localizer.map.weights_id,
                "stage": stage,
                "scene": drive.name,
                "condition": condition,
                "frames": len(seconds),
                "median_ms": 1000 * float(np.median(seconds)),
                "p95_ms": 1000 * float(np.percentile(seconds, 95)),
                "of_search": 1.0 if stage == SEARCH else ratio,
            }
        )
    return rows


def _times(localizer: Localizer, shots: Sequence[Shot]) -> tuple[list[float], list[float]]:
    """Return the seconds of searched frames, and of those frames that the tracker tracked without a search."""
    tracker = Tracker(localizer, TrackerConfig())
    odometry = drifting([shot.map_from_base for shot in shots], seed=0)
    searched: list[float] = []
    tracked: list[float] = []
    for shot, odom_from_base in zip(shots, odometry, strict=True):
        start = time.process_time()
        found = localizer.localize_rig([shot.view])
        if isinstance(found, Localized):
            searched.append(time.process_time() - start)
        start = time.process_time()
        result = tracker.process(RigFrame(shot.stamp_ns, [shot.view], odom_from_base))
        if result.evidence.method == Method.TRACKED.value:
            tracked.append(time.process_time() - start)
    return searched, tracked
