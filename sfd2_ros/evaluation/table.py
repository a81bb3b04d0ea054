# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of an evaluation, for terminals and pages alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.evaluation.metrics import THRESHOLDS

if TYPE_CHECKING:
    from sfd2_ros.evaluation.conditions import GroupScores
    from sfd2_ros.evaluation.metrics import Scores

HEADING = (
    "condition",
    "queries",
    "localized",
    *(f"{metres:g} m, {degrees:g}°" for metres, degrees in THRESHOLDS),
    "median",
    "inliers",
    "false accepts",
    "refused",
)
TOTAL = "all images"


def table_row(group: GroupScores) -> tuple[str, ...]:
    """Return a group as cells below `HEADING`."""
    scores = group.scores
    refusals = ", ".join(f"{count} {reason}" for reason, count in group.reasons.items())
    return (
        group.condition,
        str(scores.queries),
        str(scores.localized),
        *(f"{share:.1%}" if scores.queries else "-" for share in scores.recall),
        median_text(scores),
        "-" if group.median_inliers is None else f"{group.median_inliers:.0f}",
        f"{scores.false_accepts}" + (f" of {scores.foreign} foreign" if scores.foreign and not scores.queries else ""),
        refusals or "0",
    )


def median_text(scores: Scores) -> str:
    """Return the median errors as text, "-" where nothing is localized."""
    if scores.median_position_m is None or scores.median_rotation_deg is None:
        return "-"
    return f"{scores.median_position_m * 1000:.1f} mm, {scores.median_rotation_deg:.3f}°"
