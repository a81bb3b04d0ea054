# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From features and a map to a pose, or to a reason why there is none."""

from __future__ import annotations

from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.fusion import PoseFusion
from sfd2_ros.localization.fusion_config import FusionConfig
from sfd2_ros.localization.localizer import Localizer
from sfd2_ros.localization.motion import MotionConfig
from sfd2_ros.localization.query import View
from sfd2_ros.localization.tracker import RigFrame, Tracker
from sfd2_ros.localization.tracker_config import TrackerConfig

__all__ = [
    "FusionConfig",
    "Localizer",
    "LocalizerConfig",
    "MotionConfig",
    "PoseFusion",
    "RigFrame",
    "Tracker",
    "TrackerConfig",
    "View",
]
