# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of all images and of each condition apart, with rejections by reason."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.evaluation.metrics import score_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.evaluation.metrics import Scores
    from sfd2_ros.evaluation.outcomes import Outcome


@dataclass(frozen=True)
class GroupScores:
    """How a group of images did.

    Attributes:
        condition: what they have in common.
        scores: recall, medians, false accepts.
        median_inliers: over the images with a pose; None without one, or where they are not known.
        refused: queries without a pose.
        reasons: of the rejections, with their numbers, the most frequent first; foreign images are not among them.
    """

    condition: str
    scores: Scores
    median_inliers: float | None
    refused: int
    reasons: dict[str, int]

    def as_figures(self) -> dict[str, Any]:
        """Return plain values for JSON: the keys of `Scores` beside those of the group."""
        figures = {**dataclasses.asdict(self), **dataclasses.asdict(self.scores)}
        return {key: value for key, value in figures.items() if key != "scores"}


def score_outcomes(outcomes: Sequence[Outcome], condition: str) -> GroupScores:
    """Score images that have something in common.

    Args:
        outcomes: of queries and foreign images.
        condition: name of the group.
    """
    queries = [one for one in outcomes if not one.is_foreign]
    foreign = [one for one in outcomes if one.is_foreign]
    localized = [one for one in queries if one.has_pose]
    scores = score_errors(
        np.array([(one.position_m, one.rotation_deg) for one in localized], float).reshape(-1, 2),
        queries=len(queries),
        foreign=len(foreign),
        foreign_accepted=sum(one.has_pose for one in foreign),
    )
    inliers = [one.inliers for one in localized if one.inliers is not None]
    reasons = Counter(one.status for one in queries if not one.has_pose)
    return GroupScores(
        condition=condition,
        scores=scores,
        median_inliers=float(np.median(inliers)) if inliers else None,
        refused=len(queries) - len(localized),
        reasons=dict(reasons.most_common()),
    )


def score_by_condition(outcomes: Sequence[Outcome]) -> list[GroupScores]:
    """Score each condition apart, in the order in which they first come."""
    names = list(dict.fromkeys(one.condition for one in outcomes))
    return [score_outcomes([one for one in outcomes if one.condition == name], name) for name in names]
