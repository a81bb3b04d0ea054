# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure a pose near where it is expected: only landmarks in view, each looked for within a window.

Matches within a window agree with the expected pose by construction, as widely as the window. That is no evidence.
What is: that they agree with one pose far more closely than the window allows. In an image of another place a match
falls anywhere in its window; within e of its projection by luck with the share (e / window)^2. The false alarms are
counted with that share, which also takes the expectation into account: the surer it is and the smaller the window, the
less an agreement says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.localization.gating import log10_false_alarms, worst_deviations
from sfd2_ros.localization.measure import conclude, landmarks_in_view, look_again, match_in_view, refine_matches
from sfd2_ros.localization.search import find_pose, is_other_place, supported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.frames import BasePose, RigEstimate
    from sfd2_ros.localization.measure import InView
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.search import Hypothesis
    from sfd2_ros.localization.trace import Trace

_DEVIATIONS = 3.0
_NEARER_SHARE = 0.2


@dataclass(frozen=True)
class Window:
    """How far from their expected projections landmarks are looked for.

    Attributes:
        min_px: never closer: in a window hardly larger than the error of an inlier, agreement says nothing.
        max_px: an expectation that would need more is no help.
    """

    min_px: float
    max_px: float


def follow(query: Query, context: MapContext, trace: Trace, *, expected: BasePose, window: Window) -> RigEstimate:
    """Measure the pose of a query near where it is expected; see `Localizer.follow`."""
    start, config = inverse(expected.map_from_base), context.config
    with trace.timed("match"):
        in_view = landmarks_in_view(query, context, start)
        radius_px = _radius_px(query, context, expected, in_view)
        if not radius_px <= window.max_px:
            reason = (
                f"the expected pose says where landmarks are within {radius_px:.0f} px; {window.max_px:.0f} px help"
            )
            return trace.refuse(Status.UNCERTAIN_POSE, reason)
        radius_px = max(radius_px, window.min_px)
        matches = match_in_view(query, context, in_view, radius_px)
    trace.num_matches = len(matches)
    if len(matches) < config.min_matches:
        return trace.refuse(Status.FEW_MATCHES, f"{len(matches)} landmarks found near where they are expected")
    with trace.timed("pose"):
        drawn = find_pose(query, context.landmarks, matches, config, max_error_px=config.final_error_px)
        if drawn is None:
            return trace.refuse(Status.NO_POSE, f"no pose fits the {len(matches)} landmarks near the expected one")
        found = refine_matches(query, context, matches, drawn.body_from_map)
        trace.log10_false_alarms = _false_alarms(found, radius_px, config.final_error_px)
        if trace.log10_false_alarms <= config.max_log10_false_alarms:
            rival = _rival(found, query, context, radius_px)
            if rival is not None and _is_strong(rival, found, radius_px, config):
                reason = f"{found.num_inliers} landmarks agree on one pose and {rival.num_inliers} on another near it"
                return trace.refuse(Status.AMBIGUOUS_PLACE, reason)
    if trace.log10_false_alarms <= config.max_log10_false_alarms:
        found = look_again(found, query, context, trace)
    return conclude(found, query, context, trace)


def _false_alarms(found: Hypothesis, radius_px: float, error_px: float) -> float:
    """Return the false alarms of matches within `error_px`, looked for in windows of `radius_px`."""
    return log10_false_alarms(
        num_matches=len(found.matches),
        num_agreeing=found.num_inliers,
        radius_px=error_px,
        area_px=float(np.pi * radius_px**2),
    )


def _rival(found: Hypothesis, query: Query, context: MapContext, radius_px: float) -> Hypothesis | None:
    """Look for another pose among the matches that do not agree; only for one with support enough to matter."""
    config, left = context.config, found.matches.where(~found.is_inlier)
    needed = max(config.min_inliers, config.max_rival_share * found.num_inliers)
    needed = _rare_count(len(left), math.ceil(needed), radius_px, config)
    if len(left) < needed:
        return None
    positions = context.landmarks.positions[left.landmarks]
    ratio = needed / len(left)
    solution = query.solve(left.keypoints, positions, config.max_error_px, min_inlier_ratio=ratio)
    if solution is None:
        return None
    rival = supported(query, left, positions, solution.cam_from_map, config)
    return rival if is_other_place(rival, found, context.landmarks) else None


def _rare_count(num_matches: int, at_least: int, radius_px: float, config: LocalizerConfig) -> int:
    """Return how many of the matches must agree on another pose, `at_least` or more, not to do so by chance."""

    def is_rare(count: int) -> bool:
        alarms = log10_false_alarms(
            num_matches=num_matches,
            num_agreeing=count,
            radius_px=config.max_error_px,
            area_px=float(np.pi * radius_px**2),
        )
        return alarms <= config.max_log10_false_alarms / 2

    return next((count for count in range(at_least, num_matches + 1) if is_rare(count)), num_matches + 1)


def _is_strong(rival: Hypothesis, found: Hypothesis, radius_px: float, config: LocalizerConfig) -> bool:
    """Return whether another pose has too large a share of the support, and not by chance."""
    is_rare = _false_alarms(rival, radius_px, config.max_error_px) <= config.max_log10_false_alarms / 2
    return is_rare and rival.num_inliers > config.max_rival_share * found.num_inliers


def _radius_px(query: Query, context: MapContext, expected: BasePose, in_view: Sequence[InView]) -> float:
    """Return how far landmarks may be, at three standard deviations, from where they are expected."""
    position_std, rotation_std = worst_deviations(expected.covariance)
    body_from_map = inverse(expected.map_from_base)
    radii = [0.0]
    for number, (view, seen) in enumerate(zip(query.views, in_view, strict=True)):
        positions = context.landmarks.positions[seen.landmarks]
        depth = _near_depth(query.cam_from_map(number, body_from_map), positions)
        focal_px = max(view.camera.fx, view.camera.fy)
        radii.append(_DEVIATIONS * focal_px * (rotation_std + position_std / depth))
    return max(radii) + context.config.final_error_px


def _near_depth(cam_from_map: NDArray[np.float64], positions: NDArray[np.float64]) -> float:
    """Return the depth of the nearer ones among landmarks (M, 3): these move most in the image."""
    if len(positions) == 0:
        return float("inf")
    return float(np.quantile(positions @ cam_from_map[2, :3] + cam_from_map[2, 3], _NEARER_SHARE))
