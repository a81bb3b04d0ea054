# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a hypothesis to a measured pose with its uncertainty, and to the result of the frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.geometry.grid import spread
from sfd2_ros.geometry.mixture import MeasuredPose, measure_pose
from sfd2_ros.localization.frames import worst_deviations
from sfd2_ros.localization.results import Localized
from sfd2_ros.localization.second_hypothesis import mixture_covariance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis, LandmarkMatches
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.results import Rejected, Result
    from sfd2_ros.localization.trace import Trace

_INNER_SHARE = 0.75
"""Fraction of the guided radius within which matches are measured: nearer to the edge of the window, right ones that
lie beyond it are missing. Chosen on two simulated towns (5001, 5002): 12 of 16 px."""


def conclude(
    hypothesis: Hypothesis, query: Query, context: MapContext, trace: Trace, *, second: Hypothesis | None = None
) -> Result:
    """Measure a hypothesis and return the result of the frame.

    Args:
        hypothesis: the best one.
        query: what is localized.
        context: where.
        trace: gets evidence and times.
        second: another hypothesis that fits; the likelier one is taken, with the covariance of the mixture.
    """
    with trace.timed("pose"):
        hypothesis, measured = _likelier(hypothesis, second, query, context)
    hypothesis = _agreeing(hypothesis, measured, query, context)
    note_support(hypothesis, query, context, trace, measured.body_from_map)
    if measured.covariance is None or not np.all(np.isfinite(measured.covariance)):
        return trace.rejected(Status.UNCERTAIN_POSE, "the inliers do not determine the pose")
    covariance = _covariance_factor(context) * measured.covariance
    position_std_m, rotation_std_rad = worst_deviations(covariance)
    trace.note(
        mean_log_likelihood_ratio=measured.mean_log_likelihood_ratio,
        position_std_m=position_std_m if context.map.units == "metres" else float("nan"),
        rotation_std_rad=rotation_std_rad,
    )
    return trace.failure(is_complete=True) or Localized(inverse(measured.body_from_map), covariance, trace.judged())


def _likelier(
    hypothesis: Hypothesis, second: Hypothesis | None, query: Query, context: MapContext
) -> tuple[Hypothesis, MeasuredPose]:
    """Return the likelier one of two hypotheses, measured."""
    measured = _measured(hypothesis, query, context)
    if second is None:
        return hypothesis, measured
    other = _measured(second, query, context)
    if other.log_likelihood > measured.log_likelihood:
        hypothesis, measured, other = second, other, measured
    return hypothesis, replace(measured, covariance=mixture_covariance(measured, other))


def _agreeing(hypothesis: Hypothesis, measured: MeasuredPose, query: Query, context: MapContext) -> Hypothesis:
    """Return a hypothesis with the pose that was measured, and the matches that agree with that one."""
    config, matches = context.config.matching, hypothesis.matches
    limit_px = config.final_error_px if np.isfinite(hypothesis.window_px) else config.max_error_px
    errors_px = query.errors_px(
        measured.body_from_map, matches.keypoints, context.landmarks.positions[matches.landmarks]
    )
    return replace(hypothesis, body_from_map=measured.body_from_map, is_inlier=errors_px <= limit_px)


def _covariance_factor(context: MapContext) -> float:
    return context.config.noise.covariance_scale * max(1.0, context.map.reference_pose_nees or 1.0)


def _measured(hypothesis: Hypothesis, query: Query, context: MapContext) -> MeasuredPose:
    """Measure a pose by all matches in their windows, right or wrong."""
    if hypothesis.num_inliers < context.config.gates.min_inliers:
        return MeasuredPose(hypothesis.body_from_map, None)
    is_guided = np.isfinite(hypothesis.window_px)
    window_px = _INNER_SHARE * hypothesis.window_px if is_guided else context.config.matching.max_error_px
    positions = context.landmarks.positions[hypothesis.matches.landmarks]
    near = query.errors_px(hypothesis.body_from_map, hypothesis.matches.keypoints, positions) <= window_px
    observed = observed_in(query, context, hypothesis.matches.where(near))
    return measure_pose(hypothesis.body_from_map, observed, window_px=window_px)


def reject_unmeasured(hypothesis: Hypothesis, query: Query, context: MapContext, trace: Trace) -> Rejected | None:
    """Return the rejection of a hypothesis by the evidence so far, which saves measuring it, or None."""
    if trace.failure() is None:
        return None
    note_support(hypothesis, query, context, trace)
    return trace.failure()


def note_support(
    hypothesis: Hypothesis,
    query: Query,
    context: MapContext,
    trace: Trace,
    body_from_map: NDArray[np.float64] | None = None,
) -> None:
    """Add to the evidence which matches agree with a hypothesis, and how well they fit a pose (4, 4); None: its own."""
    inliers = hypothesis.inliers()
    pose = hypothesis.body_from_map if body_from_map is None else body_from_map
    errors_px = query.errors_px(pose, inliers.keypoints, context.landmarks.positions[inliers.landmarks])
    trace.note(
        num_guided=len(hypothesis.matches) if np.isfinite(hypothesis.window_px) else 0,
        num_inliers=len(inliers),
        reprojection_error_px=float(np.sqrt(np.mean(errors_px**2))) if len(errors_px) else float("nan"),
        spread=_spread(query, inliers.keypoints),
        inlier_keypoints=inliers.keypoints,
        inlier_landmarks=inliers.landmarks,
    )


def observed_in(query: Query, context: MapContext, matches: LandmarkMatches) -> list[Observations]:
    """Return what refinement needs of matches, by view."""
    noise, chosen = context.config.noise, matches.landmarks
    covariances = noise.landmark_sigma_px**2 * context.landmarks.covariance_of(chosen)
    return query.observed(matches.keypoints, context.landmarks.positions[chosen], covariances, noise.sigma_px)


def _spread(query: Query, keypoints: NDArray[np.int64]) -> float:
    """Return the fraction of cells that hold a keypoint; those of all views together count for one image."""
    view_of = query.view_of[keypoints]
    shares = [
        spread(query.keypoints[keypoints[view_of == number]], view.camera) for number, view in enumerate(query.views)
    ]
    return min(sum(shares), 1.0)
