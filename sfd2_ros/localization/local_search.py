# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Local search: measure a pose near the predicted one, from the landmarks in view, each matched within a window.

Matches within a window agree with the predicted pose by construction, as closely as the window is wide. That is no
evidence. Evidence is that they agree with one pose far more closely than the window allows. In an image of another
place a match falls anywhere in its window, within e of its projection by chance with probability (e / window)^2. The
false alarms are counted with that probability. So the surer the prediction and the smaller the window, the less an
agreement counts.

Four gates are not measured here, because matches near a prediction cannot: `focal_length` and `principal_point` (such
matches fit the intrinsics that they were predicted with) and `distinct` (guided matching has no ratio test). The global
search, which confirms tracked frames now and then, measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.localization.chance import log10_false_alarms
from sfd2_ros.localization.frames import worst_deviations
from sfd2_ros.localization.guided import guided_matching, landmarks_in_view, match_in_view, refine_matches
from sfd2_ros.localization.hypotheses import Hypothesis, find_pose
from sfd2_ros.localization.measure import conclude, reject_unmeasured
from sfd2_ros.localization.results import Rejected
from sfd2_ros.localization.rivals import strongest_rival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.frames import BasePose
    from sfd2_ros.localization.guided import InView
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.results import Result
    from sfd2_ros.localization.trace import Trace

_DEVIATIONS = 3.0
"""Half-width of a window in standard deviations of the prediction (99.7 % per axis)."""
_NEARER_SHARE = 0.2
"""Quantile of the depths of the landmarks in view that the window is computed for: nearer landmarks move more in the
image, and a few very near ones must not widen all windows. Not tuned."""


@dataclass(frozen=True)
class Window:
    """Radius around their predicted projections within which landmarks are matched.

    Attributes:
        min_px: at least; in a window hardly larger than the error of an inlier, agreement is no evidence.
        max_px: at most; a prediction that needs more is not used.
    """

    min_px: float
    max_px: float


def local_search(query: Query, context: MapContext, trace: Trace, *, predicted: BasePose, window: Window) -> Result:
    """Measure the pose of a query near the predicted one; see `Localizer.local_search`."""
    config = context.config
    in_views = landmarks_in_view(query, context, inverse(predicted.map_from_base))
    radius_px = _radius_px(query, context, predicted, in_views)
    if not radius_px <= window.max_px:
        reason = f"the prediction needs windows of {radius_px:.0f} px, {window.max_px:.0f} px are allowed"
        return Rejected(Status.UNCERTAIN_POSE, reason, trace.judged())
    radius_px = max(radius_px, window.min_px)
    with trace.timed("match"):
        matches = match_in_view(query, context, in_views, radius_px)
    trace.note(num_matches=len(matches))
    if (rejected := trace.failure()) is not None:
        return rejected
    with trace.timed("pose"):
        drawn = find_pose(
            query, context.landmarks, matches, config.matching, max_error_px=config.matching.final_error_px
        )
        if drawn is None:
            return trace.rejected(Status.NO_POSE, f"no pose fits the {len(matches)} landmarks near the predicted one")
        best = refine_matches(query, context, matches, drawn.body_from_map, is_close=True)
    area_px = float(np.pi * radius_px**2)
    alarms = log10_false_alarms(
        num_matches=len(matches),
        num_agreeing=best.num_inliers,
        radius_px=config.matching.final_error_px,
        area_px=area_px,
    )
    trace.note(log10_false_alarms=alarms)
    if trace.failure() is None:
        with trace.timed("pose"):
            rival = strongest_rival(best, query, context, area_px=area_px)
        trace.note_rival(best, rival)
    if (rejected := reject_unmeasured(best, query, context, trace)) is not None:
        return rejected
    covered_px = radius_px - _shift_px(best, query, context, inverse(predicted.map_from_base))
    if 0 < config.matching.guided_radius_px <= covered_px:
        best = _within(config.matching.guided_radius_px, best, query, context)
    else:
        best = guided_matching(best, query, context, trace)
    return conclude(best, query, context, trace)


def _shift_px(best: Hypothesis, query: Query, context: MapContext, body_from_map: NDArray[np.float64]) -> float:
    """Return how far the inliers of a hypothesis lie, at the most, from their projections under another pose (4, 4)."""
    inliers = best.inliers()
    positions = context.landmarks.positions[inliers.landmarks]
    here, there = (query.projected(pose, inliers.keypoints, positions) for pose in (best.body_from_map, body_from_map))
    shifts = np.linalg.norm(here - there, axis=1)
    return float(shifts.max()) if np.all(np.isfinite(shifts)) else float("inf")


def _within(radius_px: float, best: Hypothesis, query: Query, context: MapContext) -> Hypothesis:
    """Return what guided matching would: the matches in windows about the pose, which lie in those already searched.

    The windows about the prediction contain them, so that matching again would cost a third of the frame for the same
    matches.
    """
    positions = context.landmarks.positions[best.matches.landmarks]
    near = query.errors_px(best.body_from_map, best.matches.keypoints, positions) <= radius_px
    return Hypothesis(best.matches.where(near), best.body_from_map, best.is_inlier[near], window_px=radius_px)


def _radius_px(query: Query, context: MapContext, predicted: BasePose, in_views: Sequence[InView]) -> float:
    """Return how far landmarks may be, at three standard deviations, from their predicted projections."""
    position_std, rotation_std = worst_deviations(predicted.covariance)
    body_from_map = inverse(predicted.map_from_base)
    radii = [0.0]
    for number, (view, in_view) in enumerate(zip(query.views, in_views, strict=True)):
        positions = context.landmarks.positions[in_view.landmarks]
        depth = _near_depth(query.cam_from_map(number, body_from_map), positions)
        focal_px = max(view.camera.fx, view.camera.fy)
        radii.append(_DEVIATIONS * focal_px * (rotation_std + position_std / depth))
    return max(radii) + context.config.matching.final_error_px


def _near_depth(cam_from_map: NDArray[np.float64], positions: NDArray[np.float64]) -> float:
    """Return the depth of the nearer ones among landmarks (M, 3): these move most in the image."""
    if len(positions) == 0:
        return float("inf")
    return float(np.quantile(positions @ cam_from_map[2, :3] + cam_from_map[2, 3], _NEARER_SHARE))
