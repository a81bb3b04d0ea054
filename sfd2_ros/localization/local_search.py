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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.localization.chance import log10_false_alarms
from sfd2_ros.localization.frames import worst_deviations
from sfd2_ros.localization.guided import (
    guided_matching,
    landmarks_in_view,
    match_around,
    match_in_view,
    most_helpful,
    refine_matches,
)
from sfd2_ros.localization.hypotheses import Hypothesis, find_pose, supported
from sfd2_ros.localization.measure import conclude, reject_unmeasured
from sfd2_ros.localization.results import Localized, Rejected
from sfd2_ros.localization.rivals import strongest_rival
from sfd2_ros.localization.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.frames import BasePose
    from sfd2_ros.localization.guided import InView
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.results import Result

_DEVIATIONS = 3.0
"""Half-width of a window in standard deviations of the prediction (99.7 % per axis)."""
_DRAWN_FROM = 400
"""Landmarks in a view that a pose is drawn from first: 150 to 300 matches. With 300 no pose is lost either (kitti_a,
town 8301)."""
_HELPFUL = 1500
"""Landmarks in a view that a pose is measured by, where they are evidence enough. Chosen on kitti_a and town 8301: of
5,000 in view they have four fifths of the inliers and the same standard deviation of the pose (10.6 mm against 10.2 mm
with all, 8.0 mm against 7.4 mm)."""
_NEARER_SHARE = 0.2
"""Quantile of the depths of the landmarks in view that the window is computed for: nearer landmarks move more in the
image, and a few very near ones must not widen all windows. Not tuned."""


@dataclass(frozen=True)
class Window:
    """Radius around their predicted projections within which landmarks are matched.

    Attributes:
        min_px: at least; in a window hardly larger than the error of an inlier, agreement is no evidence.
        max_px: at most; a prediction that needs more is not used.
        enough_log10_false_alarms: where a pose drawn from few landmarks has more expected false alarms than 10 to this
            power, it is drawn again from all in view.
    """

    min_px: float
    max_px: float
    enough_log10_false_alarms: float


@dataclass(frozen=True, eq=False)
class _Expected:
    """What a query should see.

    Attributes:
        in_views: landmarks in view from the predicted pose, by view.
        body_from_map: (4, 4) the predicted pose.
        radius_px: of the windows about their projections.
    """

    in_views: Sequence[InView]
    body_from_map: NDArray[np.float64]
    radius_px: float


def local_search(query: Query, context: MapContext, trace: Trace, *, predicted: BasePose, window: Window) -> Result:
    """Measure the pose of a query near the predicted one; see `Localizer.local_search`."""
    body_from_map = inverse(predicted.map_from_base)
    in_views = landmarks_in_view(query, context, body_from_map)
    radius_px = _radius_px(query, context, predicted, in_views)
    if not radius_px <= window.max_px:
        reason = f"the prediction needs windows of {radius_px:.0f} px, {window.max_px:.0f} px are allowed"
        return Rejected(Status.UNCERTAIN_POSE, reason, trace.judged())
    expected = _Expected(in_views, body_from_map, max(radius_px, window.min_px))
    if max(map(len, in_views)) > _HELPFUL and context.config.matching.guided_radius_px > 0:
        attempt = Trace(trace.limits, trace.evidence)  # what it measures does not count for the next one
        result = _with_few(query, context, attempt, expected, window.min_px)
        alarms = result.evidence.log10_false_alarms
        if isinstance(result, Localized) and alarms <= window.enough_log10_false_alarms:
            return result
    return _with_all(query, context, trace, expected)


def _with_few(query: Query, context: MapContext, trace: Trace, expected: _Expected, radius_px: float) -> Result:
    """Measure a pose by the landmarks that help most: drawn from the first of them, then measured by all of them.

    Args:
        query: what is localized.
        context: where.
        trace: gets evidence and times.
        expected: what it should see.
        radius_px: of the windows about the projections from the pose that was drawn.
    """
    cameras = [view.camera for view in query.views]
    helpful = [most_helpful(*each, _HELPFUL) for each in zip(expected.in_views, cameras, strict=True)]
    drawn_from = [most_helpful(*each, _DRAWN_FROM) for each in zip(helpful, cameras, strict=True)]
    best = _drawn(query, context, trace, replace(expected, in_views=drawn_from))
    if isinstance(best, Rejected):
        return best
    with trace.timed("match"):
        around = match_around(best.body_from_map, helpful, query, context, radius_px)
    return conclude(_within(around, query, context), query, context, trace)


def _with_all(query: Query, context: MapContext, trace: Trace, expected: _Expected) -> Result:
    """Measure a pose by all landmarks in view."""
    best = _drawn(query, context, trace, expected, is_refined=True)
    if isinstance(best, Rejected):
        return best
    covered_px = expected.radius_px - _shift_px(best, query, context, expected.body_from_map)
    if 0 < context.config.matching.guided_radius_px <= covered_px:
        best = _within(best, query, context)
    else:
        best = guided_matching(best, query, context, trace)
    return conclude(best, query, context, trace)


def _drawn(
    query: Query, context: MapContext, trace: Trace, expected: _Expected, *, is_refined: bool = False
) -> Hypothesis | Rejected:
    """Return the pose that most matches of landmarks in their windows agree with, or its rejection by the evidence."""
    config, area_px = context.config.matching, float(np.pi * expected.radius_px**2)
    with trace.timed("match"):
        matches = match_in_view(query, context, expected.in_views, expected.radius_px)
    trace.note(num_matches=len(matches))
    if (rejected := trace.failure()) is not None:
        return rejected
    with trace.timed("pose"):
        drawn = find_pose(query, context.landmarks, matches, config, max_error_px=config.final_error_px)
    if drawn is None:
        return trace.rejected(Status.NO_POSE, f"no pose fits the {len(matches)} landmarks near the predicted one")
    with trace.timed("pose"):
        if is_refined:
            best = refine_matches(query, context, matches, drawn.body_from_map, is_close=True)
        else:
            positions = context.landmarks.positions[matches.landmarks]
            best = supported(query, matches, positions, drawn.body_from_map, config.final_error_px)
    alarms = log10_false_alarms(
        num_matches=len(matches),
        num_agreeing=best.num_inliers,
        radius_px=config.final_error_px,
        area_px=area_px,
    )
    trace.note(log10_false_alarms=alarms)
    if trace.failure() is None:
        with trace.timed("pose"):
            rival = strongest_rival(best, query, context, area_px=area_px)
        trace.note_rival(best, rival)
    return reject_unmeasured(best, query, context, trace) or best


def _shift_px(best: Hypothesis, query: Query, context: MapContext, body_from_map: NDArray[np.float64]) -> float:
    """Return how far the inliers of a hypothesis lie, at the most, from their projections under another pose (4, 4)."""
    inliers = best.inliers()
    positions = context.landmarks.positions[inliers.landmarks]
    here, there = (query.projected(pose, inliers.keypoints, positions) for pose in (best.body_from_map, body_from_map))
    shifts = np.linalg.norm(here - there, axis=1)
    return float(shifts.max()) if np.all(np.isfinite(shifts)) else float("inf")


def _within(best: Hypothesis, query: Query, context: MapContext) -> Hypothesis:
    """Return what guided matching would: the matches in windows about the pose, which lie in those already searched.

    Windows that are wider have fewer wrong matches near the pose, and matching again would cost a third of the frame.
    """
    radius_px = context.config.matching.guided_radius_px
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
