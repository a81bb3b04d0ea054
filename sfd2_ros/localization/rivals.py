# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rival: a pose at another place that the remaining matches agree on.

Streets repeat themselves: lane marks, fences and facades agree on a pose one period away. Searched and tracked frames
use the same search; they differ in the area where a wrong match may fall, the image or the window.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sfd2_ros.localization.chance import log10_false_alarms, smallest_rare_count
from sfd2_ros.localization.hypotheses import find_pose, is_other_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis
    from sfd2_ros.localization.query import Query

_OFTEN = 0.15
"""Where this fraction of the matches agree, three of them are drawn together often: 0.15^3 of COLMAP's 10,000 draws are
34. Below, RANSAC draws from the distinct matches first and is not ended early."""


def strongest_rival(
    best: Hypothesis, query: Query, context: MapContext, *, area_px: float, others: Sequence[Hypothesis] = ()
) -> Hypothesis | None:
    """Return the best supported pose of another place that is not chance, or None.

    Args:
        best: the hypothesis that is doubted.
        query: what is localized.
        context: where.
        area_px: where a wrong match may fall, square pixels.
        others: further hypotheses of the search.
    """
    rivals = [hypothesis for hypothesis in others if is_other_place(hypothesis, best, context.landmarks)]
    hidden = _hidden_rival(best, query, context, area_px)
    rivals += [] if hidden is None else [hidden]
    limit = context.config.gates.rival_log10_false_alarms
    rivals = [rival for rival in rivals if false_alarms(rival, context, area_px) <= limit]
    return max(rivals, key=lambda rival: rival.num_inliers, default=None)


def false_alarms(hypothesis: Hypothesis, context: MapContext, area_px: float) -> float:
    """Return the false alarms of a hypothesis within the reach of the search, as a power of ten."""
    return log10_false_alarms(
        num_matches=len(hypothesis.matches),
        num_agreeing=hypothesis.num_inliers,
        radius_px=context.config.matching.max_error_px,
        area_px=area_px,
    )


def _hidden_rival(best: Hypothesis, query: Query, context: MapContext, area_px: float) -> Hypothesis | None:
    """Search the matches that do not agree with the best hypothesis, for a pose with support enough to matter."""
    config, remaining = context.config, best.matches.where(~best.is_inlier)
    matters = math.ceil(max(config.gates.min_inliers, config.gates.max_rival_share * best.num_inliers))
    needed = smallest_rare_count(
        len(remaining),
        matters,
        radius_px=config.matching.max_error_px,
        area_px=area_px,
        max_log10_false_alarms=config.gates.rival_log10_false_alarms,
    )
    if len(remaining) < needed:
        return None
    share = needed / len(remaining)
    is_often = share >= _OFTEN
    rival = find_pose(
        query,
        context.landmarks,
        remaining,
        config.matching,
        least_share=share if is_often else 0.0,
        distinct_first=not is_often,
    )
    return rival if rival is not None and is_other_place(rival, best, context.landmarks) else None
