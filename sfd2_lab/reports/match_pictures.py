# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of what agreed: a query beside the map image that shares most of its inliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.images import read_image
from sfd2_ros.features.overlay import draw_features
from sfd2_ros.localization.pnp import project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.evaluation.outcomes import Outcome
    from sfd2_ros.localization import Result
    from sfd2_ros.mapping import Map

_GAP_PX = 8
_LINES = 60
_LINE_WEIGHT = 0.65
_GREEN = (60, 220, 90)


@dataclass(frozen=True, eq=False)
class MatchPicture:
    """An image for a report.

    Attributes:
        caption: what it shows.
        image: (H, W, 3) uint8 RGB.
    """

    caption: str
    image: NDArray[np.uint8]


def choose_for_pictures(outcomes: Sequence[Outcome], count: int) -> list[Outcome]:
    """Choose images that are worth a look: of each condition in turn a rejected or the worst one, then middling ones.

    Args:
        outcomes: of all images.
        count: how many to choose at the most.
    """
    ranked: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=_badness, reverse=True):
        ranked.setdefault(one.condition, []).append(one)
    # Worst, median, second worst, ... of each condition.
    order = {name: [*members[:1], *members[len(members) // 2 :], *members[1:]] for name, members in ranked.items()}
    chosen: list[Outcome] = []
    for turn in range(max(map(len, order.values()), default=0)):
        for members in order.values():
            if turn < len(members) and members[turn] not in chosen:
                chosen.append(members[turn])
    return chosen[:count]


def _badness(outcome: Outcome) -> float:
    if outcome.is_foreign:
        return 2e9 if outcome.has_pose else -1.0
    return 1e9 if outcome.position_m is None else outcome.position_m


def picture_of(
    query: NDArray[np.uint8], features: Features, estimate: Result, map_: Map, image_folder: Path
) -> NDArray[np.uint8]:
    """Draw a query beside the map image that saw most of its inliers, with lines between what agrees.

    Args:
        query: (H, W, 3) uint8 RGB.
        features: of the query.
        estimate: of the query; a rejected one is drawn with its keypoints alone.
        map_: that it was localized in.
        image_folder: what the names of map images are relative to; a map image that is not there leaves its half out.
    """
    left = draw_features(query, features)
    inliers = estimate.evidence.inlier_landmarks
    if len(inliers) == 0:
        return left
    shared = [int(np.isin(inliers, map_.landmarks.seen_by(index)).sum()) for index in range(len(map_.images))]
    best = int(np.argmax(shared))
    posed = map_.images[best]
    try:
        right = read_image(image_folder / posed.name)
    except ImageError:
        return left
    seen = np.isin(inliers, map_.landmarks.seen_by(best))
    keypoints = features.keypoints[estimate.evidence.inlier_keypoints[seen]]
    there = project(posed.cam_from_world, map_.landmarks.positions[inliers[seen]], posed.camera)
    return _joined(left, right, keypoints, there)


def _joined(
    left: NDArray[np.uint8], right: NDArray[np.uint8], here: NDArray[np.floating], there: NDArray[np.floating]
) -> NDArray[np.uint8]:
    height = max(len(left), len(right))
    canvas = np.full((height, left.shape[1] + _GAP_PX + right.shape[1], 3), 255, np.uint8)
    canvas[: len(left), : left.shape[1]] = left
    canvas[: len(right), left.shape[1] + _GAP_PX :] = right
    is_finite = np.isfinite(there).all(axis=1)
    moved = there + np.array([left.shape[1] + _GAP_PX, 0])
    pairs = np.column_stack([here, moved])[is_finite]
    step = max(1, -(-len(pairs) // _LINES))
    lined = canvas.copy()
    for x1, y1, x2, y2 in np.rint(pairs[::step]).astype(int).tolist():
        cv2.line(lined, (x1, y1), (x2, y2), _GREEN, 1, cv2.LINE_AA)
    blended: NDArray[np.uint8] = cv2.addWeighted(lined, _LINE_WEIGHT, canvas, 1 - _LINE_WEIGHT, 0)
    return blended
