# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of service: how topics are delivered."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

RELIABILITIES = ("best_effort", "reliable")


def newest_only(reliability: str) -> QoSProfile:
    """Return the profile of images, features and camera_info: a queue of one.

    Args:
        reliability: "best_effort" for a subscription hears best-effort and reliable publishers alike; "reliable" hears
            reliable ones alone, and gets large images through where best effort loses them.
    """
    policy = ReliabilityPolicy.RELIABLE if reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=policy)


def reliable(depth: int = 10) -> QoSProfile:
    """Return the profile of results: every one is delivered."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def latched() -> QoSProfile:
    """Return the profile of what changes seldom (the map's points): the last one reaches those who come later."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def transforms() -> QoSProfile:
    """Return the profile of /tf."""
    return reliable(depth=100)


def static_transforms() -> QoSProfile:
    """Return the profile of /tf_static: every publisher's last message reaches those who come later."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=100,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
