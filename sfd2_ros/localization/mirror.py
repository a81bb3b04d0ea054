# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images that are mirrored left to right, as by a driver with `hflip`, although a pose fits their matches.

A mirrored image of a symmetric building looks like an image of it from the mirrored side. Many matches agree with a
pose there, tens of metres off. But a detail that is not symmetric matches its own landmark. Such matches disagree with
that pose, and agree with one another once the image is mirrored back. Two questions, the second only after the first:

1. Do more of them agree than random matches would (a-contrario test)? The distinct matches are counted, and all matches
   with half the exponent, because windows that repeat agree in a mirrored way more often than random matches.
2. Does guided matching from the pose of the image mirrored back find a fair fraction of what it finds from the other
   pose? This fraction is the value of the gate.

Measured: in mirrored images of herzjesu_p25 and fountain_p11, fractions of 0.25 to 0.69. In right images of these,
kitti_a and simulated towns by day, night and snow, few came to question 2, with fractions of at most 0.09.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.localization.candidates import landmarks_of
from sfd2_ros.localization.chance import log10_false_alarms
from sfd2_ros.localization.guided import landmarks_in_view, match_in_view
from sfd2_ros.localization.hypotheses import match_landmarks
from sfd2_ros.localization.pnp import reprojection_errors_px, solve_pnp
from sfd2_ros.localization.query import Query, View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis, LandmarkMatches
    from sfd2_ros.localization.trace import Trace

_CLEAR_SHARE = 0.65
"""A pose that more of the matches agree with is not doubted; in mirrored images, at most 0.48 agreed."""
_ALL_WEIGHT = 0.5
"""Of the exponent of all matches, with repeated windows among them. Not tuned."""
_LEAST_SHARE = 0.1
"""Of the matches that disagree: RANSAC may end when it would have found a pose with so many."""
_ATTEMPTS = 2
"""A mirrored wall also fits a camera behind it. Such a pose is set aside once, and the search repeated."""


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
    config = context.config.matching
    agrees = found.is_inlier[query.view_of[found.matches.keypoints] == view]
    if config.guided_radius_px == 0 or (len(agrees) and agrees.mean() >= _CLEAR_SHARE):
        return 0.0
    doubted = _doubted_matches(view, found, query, context)
    alone = _mirrored_query(query.views[view])
    first = int(np.flatnonzero(query.view_of == view)[0])
    own = replace(doubted, keypoints=doubted.keypoints - first)
    pose, exponent = _mirrored_pose(alone, own, context)
    if pose is None or exponent > context.config.gates.rival_log10_false_alarms:
        return 0.0
    matches = match_in_view(alone, context, landmarks_in_view(alone, context, pose), config.guided_radius_px)
    errors_px = alone.errors_px(pose, matches.keypoints, context.landmarks.positions[matches.landmarks])
    inliers = int((query.view_of[guided.inliers().keypoints] == view).sum())
    return float((errors_px <= config.final_error_px).sum() / max(inliers, 1))


def _doubted_matches(view: int, found: Hypothesis, query: Query, context: MapContext) -> LandmarkMatches:
    """Return the matches of a view with all candidates, the hypothesis's own among them, that disagree with it."""
    features = query.views[view].features
    images = context.similar_images(features)
    matches = match_landmarks(query, view, context, landmarks_of(context.landmarks, images))
    positions = context.landmarks.positions[matches.landmarks]
    errors_px = query.errors_px(found.body_from_map, matches.keypoints, positions)
    return matches.where(errors_px > context.config.matching.max_error_px)


def mirrored(camera: Camera) -> Camera:
    """Return the camera of an image that is mirrored left to right."""
    distortion = list(camera.distortion)
    if camera.distortion_model in {"plumb_bob", "rational_polynomial"}:
        distortion[3] = -distortion[3]  # p2, the tangential coefficient along x
    return replace(camera, cx=camera.width - 1 - camera.cx, distortion=tuple(distortion))


def mirrored_support(
    keypoints: NDArray[np.floating],
    positions: NDArray[np.float64],
    normals: NDArray[np.floating],
    camera: Camera,
    *,
    max_error_px: float,
) -> tuple[int, NDArray[np.float64] | None]:
    """Return how many matches agree with one pose before the landmarks, and cam_from_map (4, 4).

    Args:
        keypoints: (M, 2) pixels of the image mirrored back.
        positions: (M, 3) their landmarks.
        normals: (M, 3) from the landmarks towards the cameras that mapped them.
        camera: intrinsics of the image mirrored back.
        max_error_px: largest reprojection error of a match that agrees.
    """
    most, pose, left = 0, None, np.arange(len(keypoints))
    for _ in range(_ATTEMPTS):
        found = solve_pnp(
            keypoints[left], positions[left], camera, max_error_px=max_error_px, min_inlier_ratio=_LEAST_SHARE
        )
        if found is None:
            break
        errors_px = reprojection_errors_px(found.cam_from_map, keypoints[left], positions[left], camera)
        agrees = errors_px <= max_error_px
        towards = inverse(found.cam_from_map)[:3, 3] - positions[left[agrees]]
        before = int((np.sum(towards * normals[left[agrees]], axis=1) > 0).sum())
        if before > most:
            most, pose = before, found.cam_from_map
        if 2 * before > agrees.sum():
            break
        left = left[~agrees]
    return most, pose


def _mirrored_query(view: View) -> Query:
    """Return a view mirrored back, of a body that is the camera."""
    keypoints = view.features.keypoints.copy()
    keypoints[:, 0] = view.camera.width - 1 - keypoints[:, 0]
    return Query([View(replace(view.features, keypoints=keypoints), mirrored(view.camera), np.eye(4))])


def _mirrored_pose(
    query: Query, doubted: LandmarkMatches, context: MapContext
) -> tuple[NDArray[np.float64] | None, float]:
    """Return the pose that most of the doubted matches agree with, and how often random ones would (power of ten)."""
    camera, radius_px = query.views[0].camera, context.config.matching.max_error_px
    best: tuple[NDArray[np.float64] | None, float] = (None, float("inf"))
    for matches, weight in ((doubted.where(doubted.is_distinct), 1.0), (doubted, _ALL_WEIGHT)):
        agreeing, pose = mirrored_support(
            query.keypoints[matches.keypoints],
            context.landmarks.positions[matches.landmarks],
            context.landmarks.normals[matches.landmarks],
            camera,
            max_error_px=radius_px,
        )
        exponent = weight * log10_false_alarms(
            num_matches=len(matches),
            num_agreeing=agreeing,
            radius_px=radius_px,
            area_px=float(camera.width * camera.height),
        )
        if pose is not None and exponent < best[1]:
            best = pose, exponent
    return best
