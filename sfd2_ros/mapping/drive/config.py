# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of mapping a drive: how exact odometry is, which places are compared, when a loop is accepted."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class DriveConfig:
    """Settings of mapping a drive; a map's manifest keeps them."""

    odometry_share: float = setting(
        0.02, "Standard deviation of a step of odometry, as a fraction of its length.", minimum=1e-4, maximum=1.0
    )
    odometry_deg_per_m: float = setting(
        0.1, "Standard deviation of the turn of a step of odometry, degrees per metre.", minimum=1e-4
    )
    odometry_turn_share: float = setting(
        0.03, "Standard deviation of the turn of a step of odometry, as a fraction of the turn.", minimum=0.0
    )
    level_deg: float = setting(
        1.0, "Standard deviation of roll and pitch of odometry against gravity, degrees.", minimum=0.01
    )
    pixel_sigma_px: float = setting(1.0, "Standard deviation of a keypoint, pixels.", minimum=0.05)
    refined_sigma_px: float = setting(
        0.4, "Standard deviation of a keypoint that was refined by the images, pixels.", minimum=0.05
    )
    neighbours: int = setting(5, "Following keyframes that each image is matched with.", minimum=1)
    similar_per_image: int = setting(
        6, "Images of other times that look most like an image and are matched with it.", minimum=0
    )
    apart_m: float = setting(
        10.0, "Way between two keyframes from which they are a place seen again, metres.", minimum=0.1
    )
    min_loop_inliers: int = setting(30, "Matches that must agree with the pose of a loop.", minimum=8)
    max_drift_share: float = setting(
        0.05, "A loop that odometry misses by more than this fraction of the way is rejected.", minimum=0.0
    )
    max_drift_deg_per_m: float = setting(
        0.1, "A loop that odometry misses by more than what such a turn would make is rejected.", minimum=0.0
    )
