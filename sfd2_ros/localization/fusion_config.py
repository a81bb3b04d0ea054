# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the fusion of measured poses with odometry; the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class FusionConfig:
    """Settings of the fusion of measured poses with odometry."""

    enabled: bool = setting(
        False,
        "True: map to odom on TF is a filter of all measured poses and odometry, so that it moves smoothly; needs "
        "publish: map_to_odom. ~/pose stays the measured pose.",
    )
    motion_share: float = setting(
        0.4,
        "Drift of odometry assumed by the filter, as a fraction of motion.*. Smaller values make map to odom "
        "smoother, but too certain if odometry drifts more.",
        minimum=0.001,
        maximum=10.0,
    )
    common_share: float = setting(
        0.5,
        "Fraction of the variance of a measured pose that the next ones share, because they see the same "
        "landmarks. It limits how certain the fused pose becomes. 0: errors are independent.",
        minimum=0.0,
        maximum=0.99,
    )
    common_m: float = setting(
        3.0, "Distance over which the common error of measured poses changes, metres.", minimum=0.001
    )
    common_rad: float = setting(
        0.5, "Rotation over which the common error of measured poses changes, radians.", minimum=0.001
    )
