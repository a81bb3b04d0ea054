# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the robot's place, and how a frame was answered."""

from __future__ import annotations

import enum


class RobotState(enum.IntEnum):
    """What is known of the robot's place; the numbers are those of sfd2_ros/LocalizationStatus."""

    UNINITIALIZED = 0
    RELOCALIZING = 1
    TRACKING = 2
    LOST = 3


class Method(enum.Enum):
    """How a frame was answered."""

    TRACKED = "tracked"
    VERIFIED = "verified"
    SEARCHED = "searched"
