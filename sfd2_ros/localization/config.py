# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the localizer; the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class LocalizerConfig:
    """Settings of retrieval, matching, pose and acceptance."""

    candidates: int = setting(10, "Map images that retrieval proposes.", minimum=1, maximum=1000)
    min_shared_landmarks: int = setting(
        20, "Proposed images that share as many landmarks are tried together.", minimum=1
    )
    min_similarity: float = setting(
        0.3, "Matches whose descriptors are less alike (cosine) are dropped.", minimum=-1.0, maximum=1.0
    )
    distinct_ratio: float = setting(
        0.9,
        "Matches whose nearest landmark is nearer than the next by this factor are drawn from first.",
        minimum=0.1,
        maximum=1.0,
    )
    max_error_px: float = setting(8.0, "Largest reprojection error of an inlier while searching.", minimum=0.5)
    guided_radius_px: float = setting(
        16.0,
        "How far from its projection a landmark is looked for once a pose is known; 0 turns this off.",
        minimum=0.0,
    )
    final_error_px: float = setting(4.0, "Largest reprojection error of an inlier of the final pose.", minimum=0.5)
    neighbours: int = setting(20, "Map images near the pose whose landmarks refine it.", minimum=1, maximum=1000)
    min_matches: int = setting(12, "Fewer matches than this are refused.", minimum=4)
    min_inliers: int = setting(12, "Fewer inliers than this are refused.", minimum=4)
    max_log10_false_alarms: float = setting(
        -8.0, "Refused when random matches would agree as well more often than 10 to this power.", maximum=0.0
    )
    max_rival_share: float = setting(
        0.4, "Refused when another place has more than this share of the inliers.", minimum=0.0, maximum=1.0
    )
    min_distinct_share: float = setting(
        0.3,
        "Refused when fewer of the distinct matches agree: another place that is built of the same things.",
        minimum=0.0,
        maximum=1.0,
    )
    max_focal_error: float = setting(
        0.02,
        "Refused when the matches surely fit a focal length that differs from that of camera_info by a larger share.",
        minimum=0.0,
    )
    max_centre_error: float = setting(
        0.03,
        "Refused when the matches surely fit a principal point that lies farther from that of camera_info, as a share "
        "of the focal length.",
        minimum=0.0,
    )
    min_agreement: float = setting(
        0.25,
        "Refused when matches near a pose lie little nearer to their projections than chance would put them (mean "
        "logarithm of a match's likelihood ratio): another place that is built alike.",
        minimum=0.0,
    )
    min_spread: float = setting(
        0.06, "Refused when inliers lie in a smaller share of an 8x8 grid on the image.", minimum=0.0, maximum=1.0
    )
    max_position_std_m: float = setting(1.0, "Refused when the position is less certain (metres).", minimum=0.0)
    max_rotation_std_rad: float = setting(0.1, "Refused when the rotation is less certain (radians).", minimum=0.0)
    sigma_px: float = setting(
        1.0, "How exact a keypoint's x and y are taken to be (standard deviation, pixels).", minimum=0.01
    )
    landmark_sigma_px: float = setting(
        1.7,
        "How exact the keypoints of the map are taken to be (standard deviation, pixels); wrong matches while mapping "
        "included, which put landmarks too far off (measured in simulated towns).",
        minimum=0.01,
    )
    covariance_scale: float = setting(
        1.4,
        "The covariance is multiplied by this, and by the map's pose_misfit where that is above 1: what landmarks of "
        "one map have in common shows in no residual.",
        minimum=1.0,
    )
