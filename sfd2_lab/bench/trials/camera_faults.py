# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two cameras that are not triggered together, and one that falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.drive_bag import NAMES
from sfd2_lab.bench.trials.stand import is_false, is_right
from sfd2_lab.bench.trials.start_faults import row

if TYPE_CHECKING:
    from sfd2_lab.bench.trials.stand import Stand

FRAMES, WAIT_S = 4, 8.0
SECOND = "camera/second"
CAMERAS = {"cameras": [NAMES.camera, SECOND]}
RIG = {"feature_node": CAMERAS, "localizer_node": CAMERAS}
# In step, 10 ms and 300 ms apart, and not there at all.
LATER_NS: dict[str, int | None] = {
    "in step": 0,
    "10 ms out of step": 10_000_000,
    "300 ms out of step": 300_000_000,
    "second camera silent": None,
}


def run_camera_faults(stand: Stand) -> list[dict[str, Any]]:
    """Play both cameras in step first, then out of step, then one alone; a row for each fault.

    Newest wins: a frame may be let go for one of the other camera, and has no answer then. What counts is that poses
    come, that none is false, and that the first camera alone is localized afterwards.
    """
    rows = []
    for name, later_ns in LATER_NS.items():
        beside = [] if later_ns is None else [(SECOND, later_ns)]
        told = [stand.play(stand.next_frame(), beside=beside, wait_s=WAIT_S) for _ in range(FRAMES)]
        recovery_s = stand.recover()
        right = any(map(is_right, told)) and not any(map(is_false, told)) and recovery_s < float("inf")
        words = ", ".join(outcome.status for outcome in told)
        rows.append(row(f"two cameras, {name}", survived=right, observed=words, recovery_s=recovery_s))
    return rows
