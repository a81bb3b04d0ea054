# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Guided matching: landmarks in view of a known pose are matched near their projections, and the pose is refined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.grid import grid_cells
from sfd2_ros.geometry.projection import in_image
from sfd2_ros.geometry.refine import refine_pose
from sfd2_ros.localization.candidates import facing, views_of
from sfd2_ros.localization.hypotheses import Hypothesis, LandmarkMatches, joined, supported
from sfd2_ros.localization.measure import observed_in
from sfd2_ros.localization.pnp import project
from sfd2_ros.matching.guided import match_guided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.trace import Trace

_ROUGH_DEVIATIONS, _CLOSE_DEVIATIONS = 0.3, 0.03
"""A step of the refinement shorter than this many standard deviations is the last: first while inliers are chosen again
afterwards, then for the pose that the measurement starts from. Smaller values change no pose by a millimetre."""
_MAX_OF_EVEN_PART = 2.0
"""Landmarks chosen in a cell, of what each cell would have if all had the same. Not tuned."""
_DRAWN_FROM = 200
"""Most similar matches that RANSAC draws from first. Enough for any pose, few enough to be quick. Not tuned."""


@dataclass(frozen=True, eq=False)
class InView:
    """Landmarks that a camera should see.

    Attributes:
        landmarks: (M,) indices into the map's landmarks.
        projections: (M, 2) where, pixels.
        depths: (M,) in the map's units.
        times_seen: (M,) by how many of the map images nearby.
    """

    landmarks: NDArray[np.int64]
    projections: NDArray[np.float64]
    depths: NDArray[np.float64]
    times_seen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.landmarks)

    def where(self, chosen: NDArray[np.bool_]) -> InView:
        """Return the landmarks that a (M,) mask chooses."""
        return InView(self.landmarks[chosen], self.projections[chosen], self.depths[chosen], self.times_seen[chosen])


def landmarks_in_view(query: Query, context: MapContext, body_from_map: NDArray[np.float64]) -> list[InView]:
    """Return for each view of a query what it should see from a pose (4, 4) of the body."""
    in_views = []
    for number, view in enumerate(query.views):
        pose, camera = query.cam_from_map(number, body_from_map), view.camera
        images = context.places.near(pose, context.config.retrieval.neighbours)
        near, times_seen = views_of(context.landmarks, images)
        nearby = InView(near, np.empty((len(near), 2)), np.empty(len(near)), times_seen)
        in_view = _projected(nearby, context, pose, camera)
        in_views.append(in_view.where(facing(context.landmarks, in_view.landmarks, pose)))
    return in_views


def _projected(in_view: InView, context: MapContext, cam_from_map: NDArray[np.float64], camera: Camera) -> InView:
    """Return those of the landmarks that a camera has in its image, where it sees them from a pose (4, 4)."""
    positions = context.landmarks.positions[in_view.landmarks]
    projections = project(cam_from_map, positions, camera)
    inside = in_image(camera, projections)
    depths = positions @ cam_from_map[2, :3] + cam_from_map[2, 3]
    return replace(in_view, projections=projections, depths=depths).where(inside)


def most_helpful(in_view: InView, camera: Camera, count: int) -> InView:
    """Return the landmarks that help a pose most, at most `count`, spread over the image.

    A landmark helps when it is found again, for which it counts how many of the map images nearby saw it. Near ones
    determine the position and far ones the rotation, but the latter are seen by most images. Therefore the count is
    divided by the square root of the depth. No cell of an 8x8 grid has more than twice its even part.
    """
    if len(in_view) <= count:
        return in_view
    order = np.argsort(-in_view.times_seen / np.sqrt(in_view.depths), kind="stable")
    cells = grid_cells(in_view.projections[order], camera)
    by_cell = np.argsort(cells, kind="stable")
    occupied, starts, sizes = np.unique(cells[by_cell], return_index=True, return_counts=True)
    rank = np.empty(len(order), np.int64)
    rank[by_cell] = np.arange(len(order)) - np.repeat(starts, sizes)
    chosen = np.zeros(len(order), bool)
    chosen[order[rank < _MAX_OF_EVEN_PART * count / len(occupied)][:count]] = True
    return in_view.where(chosen)


def match_in_view(query: Query, context: MapContext, in_views: Sequence[InView], radius_px: float) -> LandmarkMatches:
    """Match the keypoints of all views with the landmarks in each, within a radius around their projections."""
    parts = []
    for number, (view, in_view) in enumerate(zip(query.views, in_views, strict=True)):
        matches = match_guided(
            view.features.keypoints,
            view.features.descriptors,
            in_view.projections,
            context.landmarks.descriptors[in_view.landmarks],
            radius_px=radius_px,
            min_similarity=context.config.matching.min_similarity,
        )
        keypoints = query.counted_through(number, matches.query)
        landmarks = in_view.landmarks[matches.target]
        parts.append(LandmarkMatches(keypoints, landmarks, _most_similar(matches.similarity)))
    return joined(parts)


def _most_similar(similarity: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Choose the matches (M,) that a pose is drawn from first: fewer wrong ones, and few enough to be quick."""
    chosen = np.zeros(len(similarity), bool)
    chosen[np.argsort(-similarity, kind="stable")[:_DRAWN_FROM]] = True
    return chosen


def match_around(
    body_from_map: NDArray[np.float64],
    in_views: Sequence[InView],
    query: Query,
    context: MapContext,
    radius_px: float,
) -> Hypothesis:
    """Match landmarks in view of another pose nearby, within a radius around where this one (4, 4) has them."""
    moved = [
        _projected(in_view, context, query.cam_from_map(number, body_from_map), view.camera)
        for number, (view, in_view) in enumerate(zip(query.views, in_views, strict=True))
    ]
    matches = match_in_view(query, context, moved, radius_px)
    positions = context.landmarks.positions[matches.landmarks]
    return supported(query, matches, positions, body_from_map, context.config.matching.final_error_px)


def refine_matches(
    query: Query,
    context: MapContext,
    matches: LandmarkMatches,
    body_from_map: NDArray[np.float64],
    *,
    is_close: bool = False,
) -> Hypothesis:
    """Refine a pose (4, 4) by the matches that agree with it, first loosely, then closely.

    Args:
        query: what is localized.
        context: where.
        matches: of keypoints with landmarks.
        body_from_map: (4, 4) start.
        is_close: the start was drawn within the reach of the final pose: it is refined closely alone.
    """
    config, min_inliers = context.config.matching, context.config.gates.min_inliers
    positions = context.landmarks.positions[matches.landmarks]
    steps = ((config.max_error_px, _ROUGH_DEVIATIONS), (config.final_error_px, _CLOSE_DEVIATIONS))
    for limit_px, enough in steps[1:] if is_close else steps:
        agrees = query.errors_px(body_from_map, matches.keypoints, positions) <= limit_px
        if agrees.sum() >= min_inliers:
            observed = observed_in(query, context, matches.where(agrees))
            body_from_map = refine_pose(body_from_map, observed, converged_deviations=enough)
    agrees = query.errors_px(body_from_map, matches.keypoints, positions) <= config.final_error_px
    return Hypothesis(matches, body_from_map, agrees)


def guided_matching(hypothesis: Hypothesis, query: Query, context: MapContext, trace: Trace) -> Hypothesis:
    """Match landmarks again near where a hypothesis projects them, and refine it with them.

    Once, and in a wide window: in windows that grow smaller, a pose that is off by some pixels loses the right matches
    at the edge of its window, keeps the wrong ones that fit it, and looks sure.
    """
    radius_px = context.config.matching.guided_radius_px
    if radius_px == 0:
        return hypothesis
    with trace.timed("match"):
        in_view = landmarks_in_view(query, context, hypothesis.body_from_map)
        matches = match_in_view(query, context, in_view, radius_px)
    with trace.timed("pose"):
        refined = refine_matches(query, context, matches, hypothesis.body_from_map)
    if refined.num_inliers < context.config.gates.min_inliers:
        return hypothesis
    return replace(refined, window_px=radius_px)
