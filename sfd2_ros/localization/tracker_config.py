# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of tracking; the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class TrackerConfig:
    """Settings of tracking."""

    enabled: bool = setting(
        True, "False: search the whole map for every frame. Poses are compared with the prediction all the same."
    )
    verify_every: int = setting(
        10, "Every how many tracked frames a search of the whole map must confirm the pose; 1: each frame.", minimum=1
    )
    max_unverified: int = setting(
        100,
        "Most tracked frames in a row that are accepted although the search of the whole map finds no place.",
        minimum=1,
    )
    sure_log10_false_alarms: float = setting(
        -20.0,
        "Tracked poses with more expected false alarms than 10 to this power must be confirmed by a search of the "
        "whole map.",
        maximum=0.0,
    )
    weak_share: float = setting(
        0.5,
        "A search must also confirm a pose with fewer inliers than this fraction of those last confirmed.",
        minimum=0.0,
        maximum=1.0,
    )
    confirmations: int = setting(
        2,
        "Frames that must agree on a place that contradicts the prediction before it is accepted.",
        minimum=1,
    )
    min_window_px: float = setting(
        24.0, "Smallest radius of the window around the predicted projection of a landmark, pixels.", minimum=8.0
    )
    max_window_px: float = setting(
        64.0, "Largest radius of these windows, pixels. A prediction that needs a larger one is not used.", minimum=8.0
    )
