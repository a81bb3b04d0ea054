# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node knows of the robot's place, as ~/status says it."""

from __future__ import annotations

import enum


class RobotState(enum.IntEnum):
    """States of sfd2_ros/LocalizationStatus, by the same numbers."""

    UNINITIALIZED = 0
    RELOCALIZING = 1
    TRACKING = 2
    LOST = 3


def next_state(state: RobotState, *, is_localized: bool) -> RobotState:
    """Return the state after a frame.

    A localized frame leads to TRACKING from anywhere; a refused one makes a robot that was known LOST, and leaves one
    that was not known as it was.
    """
    if is_localized:
        return RobotState.TRACKING
    return RobotState.LOST if state is RobotState.TRACKING else state
