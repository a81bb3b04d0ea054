# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Global search: hypotheses at the places that retrieval proposes, for one camera or for a rig."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.localization.candidates import covisible_groups, landmarks_of
from sfd2_ros.localization.hypotheses import (
    PLENTY,
    Hypothesis,
    LandmarkMatches,
    find_pose,
    joined,
    match_landmarks,
    supported,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.trace import Trace

_WEAK = 0.1
"""Where the best hypothesis has a smaller fraction of the matches, each proposed image is matched by itself. Right
hypotheses fall below it in streets that repeat themselves; elsewhere they have 0.3 and more. Not tuned."""
_SINGLE_SHARE = 0.2
"""Matches with one image alone: a pose that this fraction of them agree with is found for certain, one with half of it
mostly. It bounds the draws of RANSAC: 0.74 s became 0.48 s for a query of another place, with the same rejections."""

_HOPE = 0.8
"""Of the fraction of distinct matches that the gate `distinct` needs: a pose that has less before it is refined is not
searched for. Not tuned."""


def global_search(query: Query, context: MapContext, trace: Trace, nearby: Sequence[int] = ()) -> list[Hypothesis]:
    """Return hypotheses that matches with the map agree on, the best supported first.

    Args:
        query: what is to be localized.
        context: where.
        trace: gets candidates, the number of matches of the best one, and times.
        nearby: map images that are tried beside those that look alike; from a hint.
    """
    with trace.timed("retrieve"):
        similar = [context.similar_images(view.features) for view in query.views]
        proposed = [list(dict.fromkeys([*images, *nearby])) for images in similar]
    names = (context.map.images[index].name for images in proposed for index in images)
    trace.note(candidates=tuple(dict.fromkeys(names)))
    if len(query.views) > 1:
        hypotheses = _of_rig(query, context, proposed, trace)
    else:
        hypotheses = _of_camera(query, context, proposed[0], trace)
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.num_inliers)


def _of_camera(query: Query, context: MapContext, proposed: list[int], trace: Trace) -> list[Hypothesis]:
    """Try one place after another: images that see common landmarks are one place."""
    with trace.timed("retrieve"):
        groups = covisible_groups(context.landmarks, proposed, context.config.retrieval.min_shared_landmarks)
    single = [[image] for image in proposed]
    if len(trial := _hopeless(groups, single, query, context, trace)):
        return trial
    hypotheses = _poses_among(groups, query, context, trace)
    if 0 < max((hypothesis.is_inlier.mean() for hypothesis in hypotheses), default=0.0) < _WEAK:
        # Among the landmarks of many images a street that repeats itself hides the right place: its matches go to a
        # look-alike a period away. Against the landmarks of one image at a time they are right again.
        hypotheses += _poses_among(single, query, context, trace, least_share=_SINGLE_SHARE)
    return hypotheses


def _hopeless(
    groups: Sequence[Sequence[int]],
    single: Sequence[Sequence[int]],
    query: Query,
    context: MapContext,
    trace: Trace,
) -> list[Hypothesis]:
    """Return the hypotheses of a query of another place; none where a pose may be accepted.

    The gate `distinct` rejects a pose that less than a fraction of the distinct matches agree with. A fraction that
    large is found in some thousand draws from these matches alone. Where no group of images has it, and no image
    alone, drawing from all matches as well is ten times as expensive, and cannot lead to an accepted pose.
    """
    found: list[Hypothesis] = []
    share, needed = context.config.gates.min_distinct_share, context.config.gates.min_matches
    for images in [*groups, *single]:
        with trace.timed("match"):
            matches = match_landmarks(query, 0, context, landmarks_of(context.landmarks, images))
        if len(matches) < needed:
            continue
        if matches.is_distinct.sum() < needed:  # too few for the gate
            return []
        with trace.timed("pose"):
            hypothesis = find_pose(
                query,
                context.landmarks,
                matches,
                context.config.matching,
                least_share=_HOPE * share,
                all_matches=False,
            )
        if hypothesis is not None:
            if hypothesis.distinct_share >= _HOPE * share:
                return []
            found.append(hypothesis)
            trace.note(num_matches=max(trace.evidence.num_matches, len(matches)))
    return found


def _poses_among(
    groups: Sequence[Sequence[int]], query: Query, context: MapContext, trace: Trace, *, least_share: float = 0.0
) -> list[Hypothesis]:
    hypotheses = []
    for group in groups:
        with trace.timed("match"):
            matches = match_landmarks(query, 0, context, landmarks_of(context.landmarks, group))
        hypotheses += _pose_of(query, context, matches, trace, least_share)
    return hypotheses


def _of_rig(query: Query, context: MapContext, proposed: Sequence[list[int]], trace: Trace) -> list[Hypothesis]:
    """Try the matches of all cameras together; they look at different landmarks of one place."""
    with trace.timed("match"):
        by_view = [
            match_landmarks(query, view, context, landmarks_of(context.landmarks, images))
            for view, images in enumerate(proposed)
        ]
    together = joined(by_view)
    hypotheses = _pose_of(query, context, together, trace)
    if hypotheses and hypotheses[0].is_inlier.mean() >= PLENTY:
        return hypotheses
    # Where one camera sees the map well and the others do not, three right matches are drawn from that one sooner.
    positions, reach_px = context.landmarks.positions[together.landmarks], context.config.matching.max_error_px
    for matches in by_view:
        for alone in _pose_of(query, context, matches, trace):
            with trace.timed("pose"):
                hypotheses.append(supported(query, together, positions, alone.body_from_map, reach_px))
    return hypotheses


def _pose_of(
    query: Query, context: MapContext, matches: LandmarkMatches, trace: Trace, least_share: float = 0.0
) -> list[Hypothesis]:
    trace.note(num_matches=max(trace.evidence.num_matches, len(matches)))
    if len(matches) < context.config.gates.min_matches:
        return []
    with trace.timed("pose"):
        hypothesis = find_pose(query, context.landmarks, matches, context.config.matching, least_share=least_share)
    return [] if hypothesis is None else [hypothesis]
