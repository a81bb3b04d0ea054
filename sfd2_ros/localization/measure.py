# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a rough pose to a measured one: landmarks looked for near where they must be, refinement, uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.geometry.grid import spread
from sfd2_ros.geometry.mixture import MeasuredPose, measure_pose
from sfd2_ros.geometry.refine import refine_pose
from sfd2_ros.localization.candidates import facing, landmarks_of
from sfd2_ros.localization.frames import BasePose, RigEstimate
from sfd2_ros.localization.gating import judge
from sfd2_ros.localization.modes import with_doubt
from sfd2_ros.localization.pnp import project
from sfd2_ros.localization.search import Hypothesis, LandmarkMatches, joined
from sfd2_ros.matching.guided import match_guided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.trace import Trace

_ROUGH_DEVIATIONS, _CLOSE_DEVIATIONS = 0.3, 0.03
_DRAWN_FROM = 200
_INNER_SHARE = 0.75
"""Of a window, in which matches count: nearer to its edge, right ones are missing that lie beyond it."""


@dataclass(frozen=True, eq=False)
class InView:
    """Landmarks that a camera should see.

    Attributes:
        landmarks: (M,) indices into the map's landmarks.
        projections: (M, 2) where, pixels.
    """

    landmarks: NDArray[np.int64]
    projections: NDArray[np.float64]


def landmarks_in_view(query: Query, context: MapContext, body_from_map: NDArray[np.float64]) -> list[InView]:
    """Return for each view of a query what it should see from a pose."""
    found = []
    for number, view in enumerate(query.views):
        pose, camera = query.cam_from_map(number, body_from_map), view.camera
        near = landmarks_of(context.landmarks, context.places.near(pose, context.config.neighbours))
        near = facing(context.landmarks, near, pose)
        projections = project(pose, context.landmarks.positions[near], camera)
        with np.errstate(invalid="ignore"):
            inside = np.all((projections > -0.5) & (projections < [camera.width - 0.5, camera.height - 0.5]), axis=1)
        found.append(InView(near[inside], projections[inside]))
    return found


def match_in_view(query: Query, context: MapContext, expected: Sequence[InView], radius_px: float) -> LandmarkMatches:
    """Match the keypoints of all views with the landmarks expected in each, within a radius of where."""
    found = []
    for number, (view, in_view) in enumerate(zip(query.views, expected, strict=True)):
        matches = match_guided(
            view.features.keypoints,
            view.features.descriptors,
            in_view.projections,
            context.landmarks.descriptors[in_view.landmarks],
            radius_px=radius_px,
            min_similarity=context.config.min_similarity,
        )
        keypoints = query.counted_through(number, matches.query)
        landmarks = in_view.landmarks[matches.target]
        found.append(LandmarkMatches(keypoints, landmarks, _most_alike(matches.similarity)))
    return joined(found)


def _most_alike(similarity: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Choose the matches (M,) that a pose is drawn from first: fewer wrong ones, and few enough to be quick."""
    chosen = np.zeros(len(similarity), bool)
    chosen[np.argsort(-similarity, kind="stable")[:_DRAWN_FROM]] = True
    return chosen


def refine_matches(
    query: Query, context: MapContext, matches: LandmarkMatches, body_from_map: NDArray[np.float64]
) -> Hypothesis:
    """Refine a pose by the matches that agree with it, first loosely, then closely."""
    config, landmarks = context.config, context.landmarks
    positions = landmarks.positions[matches.landmarks]
    for limit_px, enough in ((config.max_error_px, _ROUGH_DEVIATIONS), (config.final_error_px, _CLOSE_DEVIATIONS)):
        agrees = query.errors_px(body_from_map, matches.keypoints, positions) <= limit_px
        if agrees.sum() >= config.min_inliers:
            observed = observed_in(query, context, matches.where(agrees))
            body_from_map = refine_pose(body_from_map, observed, converged_deviations=enough)
    agrees = query.errors_px(body_from_map, matches.keypoints, positions) <= config.final_error_px
    return Hypothesis(matches, body_from_map, agrees)


def look_again(found: Hypothesis, query: Query, context: MapContext, trace: Trace) -> Hypothesis:
    """Look again for landmarks near where a pose says they are, and refine it with them.

    Once, and widely: looked for closer and closer, a pose that is off by some pixels loses the right matches at the
    edge of its window, keeps the wrong ones that suit it, and looks sure.
    """
    config = context.config
    if config.guided_radius_px == 0:
        return found
    with trace.timed("match"):
        in_view = landmarks_in_view(query, context, found.body_from_map)
        matches = match_in_view(query, context, in_view, config.guided_radius_px)
    with trace.timed("pose"):
        refined = refine_matches(query, context, matches, found.body_from_map)
    if refined.num_inliers < config.min_inliers:
        return found
    return replace(refined, window_px=config.guided_radius_px)


def conclude(
    found: Hypothesis, query: Query, context: MapContext, trace: Trace, *, other: Hypothesis | None = None
) -> RigEstimate:
    """Measure a pose with its uncertainty, and accept or refuse it.

    Args:
        found: the pose.
        query: what is localized.
        context: where.
        trace: gets times.
        other: another pose that fits; the likelier one is taken, with the doubt that the other one leaves.
    """
    config, covariance = context.config, None
    with trace.timed("pose"):
        measured = _measured(found, query, context)
        if other is not None:
            rival = _measured(other, query, context)
            if rival.log_likelihood > measured.log_likelihood:
                found, measured, rival = other, rival, measured
            measured = replace(measured, covariance=with_doubt(measured, rival))
    pose, inliers = measured.body_from_map, found.inliers()
    if measured.covariance is not None:
        covariance = config.covariance_scale * max(1.0, context.map.pose_misfit or 1.0) * measured.covariance
    positions = context.landmarks.positions[inliers.landmarks]
    errors_px = query.errors_px(pose, inliers.keypoints, positions)
    evidence = replace(
        trace.evidence(),
        num_matches=len(found.matches),
        num_inliers=len(inliers),
        reprojection_error_px=float(np.sqrt(np.mean(errors_px**2))) if len(errors_px) else float("nan"),
        spread=_spread(query, inliers.keypoints),
        agreement=measured.agreement,
        inlier_keypoints=inliers.keypoints,
        inlier_landmarks=inliers.landmarks,
    )
    status, reason = judge(evidence, covariance, config, metric=context.map.units == "metres")
    if status is not Status.LOCALIZED or covariance is None:
        return trace.refuse(status, reason, evidence)
    return RigEstimate(status, reason, BasePose(inverse(pose), covariance), evidence)


def _measured(found: Hypothesis, query: Query, context: MapContext) -> MeasuredPose:
    """Measure a pose by all matches in their windows, right or wrong."""
    if found.num_inliers < context.config.min_inliers:
        return MeasuredPose(found.body_from_map, None)
    looked_everywhere = np.isinf(found.window_px)
    window_px = context.config.max_error_px if looked_everywhere else _INNER_SHARE * found.window_px
    positions = context.landmarks.positions[found.matches.landmarks]
    near = query.errors_px(found.body_from_map, found.matches.keypoints, positions) <= window_px
    return measure_pose(
        found.body_from_map, observed_in(query, context, found.matches.where(near)), window_px=window_px
    )


def observed_in(query: Query, context: MapContext, matches: LandmarkMatches) -> list[Observations]:
    """Return what refinement needs of matches, by view."""
    config, chosen = context.config, matches.landmarks
    covariances = config.landmark_sigma_px**2 * context.landmarks.covariance_of(chosen)
    return query.observed(matches.keypoints, context.landmarks.positions[chosen], covariances, config.sigma_px)


def _spread(query: Query, keypoints: NDArray[np.int64]) -> float:
    """Return the share of cells that hold a keypoint; those of all views together count for one image."""
    view_of = query.view_of[keypoints]
    shares = [
        spread(query.keypoints[keypoints[view_of == number]], view.camera) for number, view in enumerate(query.views)
    ]
    return min(sum(shares), 1.0)
