# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of service: how topics are delivered."""

from __future__ import annotations

from rcl_interfaces.msg import SetParametersResult
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

RELIABILITIES = ("best_effort", "reliable")
MAX_DEPTH = 1000


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


def overridable() -> QoSOverridingOptions:
    """Let a user override history, depth and reliability of a topic by parameters `qos_overrides.<topic>...`."""
    kinds = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)
    return QoSOverridingOptions(kinds, callback=judge_profile)


def judge_profile(profile: QoSProfile) -> SetParametersResult:
    """Judge a profile after a user's overrides: a queue must have an end, for the newest message wins."""
    reason = ""
    if profile.history != HistoryPolicy.KEEP_LAST:
        reason = f"history is {profile.history.name.lower()}; keep_last is allowed"
    elif not 1 <= profile.depth <= MAX_DEPTH:
        reason = f"depth is {profile.depth}; 1 to {MAX_DEPTH} are allowed"
    elif profile.reliability not in (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT):
        reason = f"reliability is {profile.reliability.name.lower()}; reliable and best_effort are allowed"
    return SetParametersResult(successful=not reason, reason=reason)
