# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images that are mirrored left to right, as by a driver with `hflip`, although a pose fits their matches.

A mirrored image of a symmetric building looks like an image of it from the mirrored side. Many matches agree with a
pose there, tens of metres off. But a detail that is not symmetric matches its own landmark, and disagrees with that
pose. `mirror_plane` finds from such matches where the camera stood. From there landmarks are matched with the image
mirrored back, except keypoints that agree with the pose of the image as it is. Of these matches, those in the row of
their landmark count: a keypoint beside a window is matched with the other side of the window, which is a few pixels
away to the left or right, and never above or below (measured in mirrored images of herzjesu_p25: peaks 4 px to both
sides; 70 to 80 % within 3 px of the row). What chance puts there is subtracted. The rest, as a fraction of the inliers
of the pose, is the value of the gate.

Measured: docs/reports/2026-11-29-mirrored-images.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.localization.candidates import landmarks_of
from sfd2_ros.localization.guided import landmarks_in_view, match_in_view
from sfd2_ros.localization.hypotheses import match_landmarks
from sfd2_ros.localization.mirror_plane import pose_before_mirror
from sfd2_ros.localization.pnp import project, solve_pnp
from sfd2_ros.localization.query import Query, View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis, LandmarkMatches
    from sfd2_ros.localization.trace import Trace

_CLEAR_SHARE = 0.75
"""A pose that more of the matches agree with is not doubted. In mirrored images at most 0.49 agreed in herzjesu_p25 and
fountain_p11, 0.64 in a castle that is nearly symmetric."""
_ROW = 0.1875
"""Half the height of the row around a projection, as a fraction of the radius of guided matching: 3 px of 16."""
_CHANCE_IN_ROW = 2 / np.pi * (np.arcsin(_ROW) + _ROW * np.sqrt(1 - _ROW**2))
"""Fraction of a disc that lies in that row: of matches that are wrong, so many do."""
_DEVIATIONS = 4.0
"""Standard deviations of the number that chance puts into the row, subtracted too: a few inliers are no evidence."""
_REFITS = 2
"""A pose found from 30 keypoints that are some pixels off is off by decimetres; from the rows it comes closer. More
refits change no share of herzjesu_p25 by 0.02."""
_ROWS_RIGHT = 0.3
"""Fraction of the matches in their rows that agree with the pose at least, while it is fitted again. Not tuned."""


def note_mirror(found: Hypothesis, guided: Hypothesis, query: Query, context: MapContext, trace: Trace) -> None:
    """Add to the evidence how much speaks for a mirrored image.

    Args:
        found: the best hypothesis before guided matching.
        guided: after it.
        query: what is localized.
        context: where.
        trace: gets the evidence.
    """
    with trace.timed("pose"):
        shares = [mirror_share(number, found, guided, query, context) for number in range(len(query.views))]
    trace.note(mirror_share=max(shares))


def mirror_share(view: int, found: Hypothesis, guided: Hypothesis, query: Query, context: MapContext) -> float:
    """Return the support of a mirrored image in one view, as a fraction of the inliers; 0 where it may be chance."""
    agrees = found.is_inlier[query.view_of[found.matches.keypoints] == view]
    if context.config.matching.guided_radius_px == 0 or (len(agrees) and agrees.mean() >= _CLEAR_SHARE):
        return 0.0
    inliers = guided.inliers()
    inliers = inliers.where(query.view_of[inliers.keypoints] == view)
    doubted, positions = _doubted_matches(view, found, query, context), context.landmarks.positions
    alone = _mirrored_query(query.views[view])
    pose = pose_before_mirror(
        query.keypoints[doubted.keypoints],
        positions[doubted.landmarks],
        (query.keypoints[inliers.keypoints], positions[inliers.landmarks]),
        query.cam_from_map(view, guided.body_from_map),
        cameras=(query.views[view].camera, alone.views[0].camera),
        max_error_px=context.config.matching.max_error_px,
    )
    if pose is None:
        return 0.0
    taken = inliers.keypoints - int(np.flatnonzero(query.view_of == view)[0])
    return _support(alone, context, pose, taken) / max(len(inliers), 1)


def _support(query: Query, context: MapContext, pose: NDArray[np.float64], taken: NDArray[np.int64]) -> float:
    """Return how many keypoints of an image mirrored back speak for a pose (4, 4) or one close to it.

    Args:
        query: the image mirrored back.
        context: where.
        pose: to start from.
        taken: keypoints that agree with the pose of the image as it is.
    """
    support = 0.0
    for _ in range(1 + _REFITS):
        matches, offsets_px = _matches_around(query, context, pose)
        is_free = ~np.isin(matches.keypoints, taken)
        now = row_support(offsets_px[is_free], context.config.matching.guided_radius_px)
        if now <= support:
            break
        support = now
        pose = _fitted(query, context, matches, offsets_px, pose)
    return support


def row_support(offsets_px: NDArray[np.float64], radius_px: float) -> float:
    """Return how many matches lie in the row of their landmark that chance does not explain; at least 0.

    Args:
        offsets_px: (M, 2) of keypoints from projections.
        radius_px: within which they were matched.
    """
    count = len(offsets_px)
    in_row = int((np.abs(offsets_px[:, 1]) <= _ROW * radius_px).sum())
    expected, spread = count * _CHANCE_IN_ROW, np.sqrt(count * _CHANCE_IN_ROW * (1 - _CHANCE_IN_ROW))
    return max(float((in_row - expected - _DEVIATIONS * spread) / (1 - _CHANCE_IN_ROW)), 0.0)


def mirrored(camera: Camera) -> Camera:
    """Return the camera of an image that is mirrored left to right."""
    distortion = list(camera.distortion)
    if camera.distortion_model in {"plumb_bob", "rational_polynomial"}:
        distortion[3] = -distortion[3]  # p2, the tangential coefficient along x
    return replace(camera, cx=camera.width - 1 - camera.cx, distortion=tuple(distortion))


def _doubted_matches(view: int, found: Hypothesis, query: Query, context: MapContext) -> LandmarkMatches:
    """Return the matches of a view with all candidates that disagree with the hypothesis, distinct ones first."""
    images = context.similar_images(query.views[view].features)
    matches = match_landmarks(query, view, context, landmarks_of(context.landmarks, images))
    positions = context.landmarks.positions[matches.landmarks]
    errors_px = query.errors_px(found.body_from_map, matches.keypoints, positions)
    doubted = matches.where(errors_px > context.config.matching.max_error_px)
    return doubted.in_order(np.argsort(~doubted.is_distinct, kind="stable"))


def _mirrored_query(view: View) -> Query:
    """Return a view mirrored back, of a body that is the camera."""
    keypoints = view.features.keypoints.copy()
    keypoints[:, 0] = view.camera.width - 1 - keypoints[:, 0]
    return Query([View(replace(view.features, keypoints=keypoints), mirrored(view.camera), np.eye(4))])


def _matches_around(
    query: Query, context: MapContext, pose: NDArray[np.float64]
) -> tuple[LandmarkMatches, NDArray[np.float64]]:
    """Return guided matches from a pose (4, 4), and the offsets (M, 2) of keypoints from projections, pixels."""
    radius_px = context.config.matching.guided_radius_px
    matches = match_in_view(query, context, landmarks_in_view(query, context, pose), radius_px)
    projections = project(pose, context.landmarks.positions[matches.landmarks], query.views[0].camera)
    return matches, query.keypoints[matches.keypoints] - projections


def _fitted(
    query: Query,
    context: MapContext,
    matches: LandmarkMatches,
    offsets_px: NDArray[np.float64],
    pose: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the pose (4, 4) that the matches in their rows agree on; the given one where there is none."""
    config = context.config.matching
    rows = matches.where(np.abs(offsets_px[:, 1]) <= _ROW * config.guided_radius_px)
    found = solve_pnp(
        query.keypoints[rows.keypoints],
        context.landmarks.positions[rows.landmarks],
        query.views[0].camera,
        max_error_px=config.max_error_px,
        min_inlier_ratio=_ROWS_RIGHT,
    )
    return pose if found is None else found.cam_from_map
