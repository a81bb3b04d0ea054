# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How exact keypoints and landmarks are; mapping and localization use the same figures."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class NoiseConfig:
    """Settings of the noise model; the only home of their defaults."""

    sigma_px: float = setting(
        1.0, "Standard deviation of a keypoint's x and y in the query image, pixels.", minimum=0.01
    )
    landmark_sigma_px: float = setting(
        1.7,
        "Standard deviation of the map's keypoints, pixels. Includes wrong matches made while mapping, which place "
        "landmarks too far away (measured in simulated towns).",
        minimum=0.01,
    )
    covariance_scale: float = setting(
        1.4,
        "Factor on the covariance, beside the map's reference_pose_nees where that is above 1. Landmarks of one map "
        "have errors in common that no residual shows.",
        minimum=1.0,
    )
