# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the localizer, in four groups; the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfd2_ros.core.config import setting
from sfd2_ros.core.noise import NoiseConfig
from sfd2_ros.localization.gates import GatesConfig


@dataclass(frozen=True)
class RetrievalConfig:
    """Which map images a query is compared with."""

    candidates: int = setting(10, "Map images that retrieval proposes.", minimum=1, maximum=1000)
    min_shared_landmarks: int = setting(
        20, "Proposed images that share at least this many landmarks are matched together.", minimum=1
    )
    neighbours: int = setting(
        20, "Map images near a known pose whose landmarks are used for guided matching.", minimum=1, maximum=1000
    )


@dataclass(frozen=True)
class MatchingConfig:
    """How keypoints are matched with landmarks, and which matches are inliers."""

    min_similarity: float = setting(
        0.3, "Matches with a lower cosine similarity of their descriptors are dropped.", minimum=-1.0, maximum=1.0
    )
    distinct_ratio: float = setting(
        0.9,
        "A match is distinct when its nearest landmark is nearer than the second nearest by this factor (ratio test). "
        "RANSAC draws from distinct matches first.",
        minimum=0.1,
        maximum=1.0,
    )
    max_error_px: float = setting(8.0, "Largest reprojection error of an inlier while searching, pixels.", minimum=0.5)
    guided_radius_px: float = setting(
        16.0,
        "Radius around its projection in which a landmark is matched again once a pose is known (guided matching), "
        "pixels; 0: no guided matching.",
        minimum=0.0,
    )
    final_error_px: float = setting(
        4.0, "Largest reprojection error of an inlier of the final pose, pixels.", minimum=0.5
    )


@dataclass(frozen=True)
class LocalizerConfig:
    """Settings of the localizer.

    Attributes:
        retrieval: which map images a query is compared with.
        matching: how keypoints are matched with landmarks.
        gates: the limits of acceptance.
        noise: how exact keypoints and landmarks are.
    """

    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
