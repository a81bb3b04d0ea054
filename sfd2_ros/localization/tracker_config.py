# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of tracking; the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class TrackerConfig:
    """Settings of tracking."""

    enabled: bool = setting(True, "False: search the whole map for every frame; poses are gated all the same.")
    verify_every: int = setting(
        10, "A search of the whole map confirms every so many tracked frames; 1: each of them.", minimum=1
    )
    max_unverified: int = setting(
        100, "Tracked frames in a row that may stay unconfirmed because the search finds nothing.", minimum=1
    )
    sure_log10_false_alarms: float = setting(
        -20.0,
        "Tracked poses with more false alarms than 10 to this power need the search to find the same.",
        maximum=0.0,
    )
    weak_share: float = setting(
        0.5,
        "Confirmed as well when the inliers fall below this share of those last confirmed.",
        minimum=0.0,
        maximum=1.0,
    )
    confirmations: int = setting(
        2,
        "Frames that must agree on a place that contradicts the prediction before it is believed.",
        minimum=1,
    )
    min_window_px: float = setting(
        24.0, "Landmarks are looked for at least this far from where they should be.", minimum=8.0
    )
    max_window_px: float = setting(64.0, "A prediction that needs a wider search is not followed.", minimum=8.0)
