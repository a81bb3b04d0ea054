# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plain hierarchical localization: similar images, mutual nearest neighbours with each, RANSAC over what has landmarks.

Source of the steps: Sarlin et al., "From Coarse to Fine: Robust Hierarchical Localization at Large Scale", CVPR 2019,
with nearest neighbours in place of a learned matcher; every pose that RANSAC finds is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.plain_map import NO_LANDMARK
from sfd2_ros.localization.pnp import solve_pnp
from sfd2_ros.mapping.retrieval import aggregate, most_similar
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.bench.plain_map import PlainMap
    from sfd2_ros.core.types import Camera, Features

CANDIDATES = 10
"""Map images that a query is matched with; as many as our own localizer takes."""
MAX_ERROR_PX = 12.0
"""Largest reprojection error of an inlier, the customary value for images of about a megapixel."""


@dataclass(frozen=True, eq=False)
class PlainPose:
    """A pose and how many matches agree with it.

    Attributes:
        cam_from_map: (4, 4).
        num_inliers: matches within `MAX_ERROR_PX`.
    """

    cam_from_map: NDArray[np.float64]
    num_inliers: int


def localize_plainly(map_: PlainMap, features: Features, camera: Camera) -> PlainPose | None:
    """Find where a camera was, taking whatever RANSAC finds.

    Args:
        map_: of the place.
        features: of the image.
        camera: its intrinsics.

    Returns:
        The pose, or None when no pose fits four matches.
    """
    candidates, _ = most_similar(aggregate(features, map_.centres), map_.aggregates, CANDIDATES)
    pairs = [_matches_with(map_, int(index), features) for index in candidates]
    # A keypoint that matches one landmark in several images says one thing, not several.
    keypoints, landmarks = np.unique(np.concatenate(pairs), axis=0).T
    found = solve_pnp(features.keypoints[keypoints], map_.positions[landmarks], camera, max_error_px=MAX_ERROR_PX)
    return None if found is None else PlainPose(found.cam_from_map, int(found.is_inlier.sum()))


def _matches_with(map_: PlainMap, index: int, features: Features) -> NDArray[np.int64]:
    """Return (M, 2) keypoints of the query and the landmarks that they match in one map image."""
    matches = match_mutual(features.descriptors, map_.features[index].descriptors)
    pairs = np.column_stack([matches.query, map_.landmark_of[index][matches.target]])
    kept: NDArray[np.int64] = pairs[pairs[:, 1] != NO_LANDMARK]
    return kept
