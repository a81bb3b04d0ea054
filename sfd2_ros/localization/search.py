# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses that matches with the map agree on, found without knowing where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.localization.pnp import PnpSolution, reprojection_errors_px, solve_pnp
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.mapping.landmarks import Landmarks

_OTHER_PLACE_DEPTHS = 0.05
_OTHER_PLACE_RAD = 0.1
_PLENTY = 0.3


@dataclass(frozen=True, eq=False)
class LandmarkMatches:
    """Matches of a query with landmarks.

    Attributes:
        keypoints: (M,) indices into the query's features.
        landmarks: (M,) indices into the map's landmarks.
        is_distinct: (M,) whether no other landmark is nearly as alike; such matches are seldom wrong.
    """

    keypoints: NDArray[np.int64]
    landmarks: NDArray[np.int64]
    is_distinct: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keypoints)

    def where(self, chosen: NDArray[np.bool_]) -> LandmarkMatches:
        """Return the matches that a (M,) mask chooses."""
        return LandmarkMatches(self.keypoints[chosen], self.landmarks[chosen], self.is_distinct[chosen])


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Matches of query keypoints with landmarks, and the pose that they agree on.

    Attributes:
        matches: of keypoints with landmarks.
        solution: pose and inliers among these.
    """

    matches: LandmarkMatches
    solution: PnpSolution

    @property
    def num_inliers(self) -> int:
        """Matches that agree with the pose."""
        return int(self.solution.is_inlier.sum())


def match_landmarks(
    features: Features, landmarks: Landmarks, chosen: NDArray[np.int64], config: LocalizerConfig, device: str
) -> LandmarkMatches:
    """Match a query with chosen landmarks by mutual nearest neighbours."""
    query = torch.as_tensor(features.descriptors, device=device)
    target = torch.as_tensor(np.asarray(landmarks.descriptors[chosen], np.float32), device=device)
    found = match_mutual(query, target, min_similarity=config.min_similarity)
    matched = query[torch.as_tensor(found.query, device=device)]
    distinct = np.zeros(len(found), bool)
    distinct[match_mutual(matched, target, ratio=config.distinct_ratio).query] = True
    return LandmarkMatches(found.query, chosen[found.target], distinct)


def find_pose(
    features: Features, landmarks: Landmarks, matches: LandmarkMatches, camera: Camera, config: LocalizerConfig
) -> Hypothesis | None:
    """Return the pose that most matches agree with, or None.

    The search draws from the distinct matches first: where one match in thirty is right, three right ones are drawn
    together too seldom from all of them, and often enough from these.
    """
    keypoints, positions = features.keypoints[matches.keypoints], landmarks.positions[matches.landmarks]
    best: PnpSolution | None = None
    for drawn in (np.flatnonzero(matches.is_distinct), np.arange(len(matches))):
        solution = solve_pnp(keypoints[drawn], positions[drawn], camera, max_error_px=config.max_error_px)
        if solution is None:
            continue
        agrees = reprojection_errors_px(solution.cam_from_map, keypoints, positions, camera) <= config.max_error_px
        if best is None or agrees.sum() > best.is_inlier.sum():
            best = PnpSolution(solution.cam_from_map, agrees)
        if best.is_inlier.mean() >= _PLENTY:
            break
    return None if best is None else Hypothesis(matches, best)


def find_rival(
    best: Hypothesis, features: Features, landmarks: Landmarks, camera: Camera, config: LocalizerConfig
) -> Hypothesis | None:
    """Look for a second pose among the matches that do not agree with the best one.

    Streets repeat themselves: lane marks, fences and house fronts agree on a pose that lies a period away.

    Returns:
        The pose of another place with the most support, or None when too few matches are left to matter.
    """
    left = ~best.solution.is_inlier
    needed = max(config.min_inliers, config.max_rival_share * best.num_inliers)
    if left.sum() < needed:
        return None
    rival = find_pose(features, landmarks, best.matches.where(left), camera, config)
    if rival is None or not is_other_place(rival, best, landmarks):
        return None
    return rival


def is_other_place(one: Hypothesis, other: Hypothesis, landmarks: Landmarks) -> bool:
    """Return whether two poses differ by more than a twentieth of the depth of what is seen, or by 0.1 rad."""
    between = inverse(one.solution.cam_from_map) @ other.solution.cam_from_map
    here, there = (inverse(each.solution.cam_from_map) for each in (one, other))
    seen = landmarks.positions[other.matches.landmarks[other.solution.is_inlier]]
    depth = float(np.median(np.linalg.norm(seen - there[:3, 3], axis=1))) if len(seen) else 0.0
    distance = float(np.linalg.norm(here[:3, 3] - there[:3, 3]))
    return distance > _OTHER_PLACE_DEPTHS * depth or rotation_angle_rad(between) > _OTHER_PLACE_RAD
