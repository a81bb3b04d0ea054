# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From features and a map to a measured pose, or a rejection with its reason."""

from __future__ import annotations

from sfd2_ros.localization.config import LocalizerConfig, MatchingConfig, RetrievalConfig
from sfd2_ros.localization.fusion import PoseFusion
from sfd2_ros.localization.fusion_config import FusionConfig
from sfd2_ros.localization.gates import GatesConfig
from sfd2_ros.localization.localizer import Localizer
from sfd2_ros.localization.motion import MotionConfig
from sfd2_ros.localization.query import View
from sfd2_ros.localization.results import Localized, Rejected, Result
from sfd2_ros.localization.tracker import RigFrame, Tracker, TrackerMemory
from sfd2_ros.localization.tracker_config import TrackerConfig

__all__ = [
    "FusionConfig",
    "GatesConfig",
    "Localized",
    "Localizer",
    "LocalizerConfig",
    "MatchingConfig",
    "MotionConfig",
    "PoseFusion",
    "Rejected",
    "Result",
    "RetrievalConfig",
    "RigFrame",
    "Tracker",
    "TrackerConfig",
    "TrackerMemory",
    "View",
]
