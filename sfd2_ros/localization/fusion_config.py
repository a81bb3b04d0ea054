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
        "Odometry is taken to drift by this share of what motion.* allows for, which is meant for doubting poses: less "
        "is smoother, and surer than it is right when odometry is worse.",
        minimum=0.001,
        maximum=10.0,
    )
    common_share: float = setting(
        0.5,
        "Share of the variance of a measured pose that the next one has in common with it, as it sees the same "
        "landmarks: no number of pictures makes the fused pose surer than that. 0: their errors are independent.",
        minimum=0.0,
        maximum=0.99,
    )
    common_m: float = setting(3.0, "Way over which what measured poses have in common changes (metres).", minimum=0.001)
    common_rad: float = setting(
        0.5, "Turn over which what measured poses have in common changes (radians).", minimum=0.001
    )
