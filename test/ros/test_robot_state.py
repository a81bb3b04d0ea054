# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from sfd2_ros.ros.robot_state import RobotState, next_state

UNINITIALIZED, RELOCALIZING, TRACKING, LOST = RobotState


@pytest.mark.parametrize("state", RobotState)
def test_localized_frame_leads_to_tracking_from_anywhere(state: RobotState) -> None:
    assert next_state(state, is_localized=True) is TRACKING


def test_refused_frame_loses_only_a_robot_that_was_known() -> None:
    refused = {state: next_state(state, is_localized=False) for state in RobotState}
    assert refused == {UNINITIALIZED: UNINITIALIZED, RELOCALIZING: RELOCALIZING, TRACKING: LOST, LOST: LOST}


@pytest.mark.ros
@pytest.mark.usefixtures("ros")
def test_numbers_are_those_of_the_message() -> None:
    from sfd2_ros.msg import LocalizationStatus

    assert {state.name: int(state) for state in RobotState} == {
        name: getattr(LocalizationStatus, name) for name in ("UNINITIALIZED", "RELOCALIZING", "TRACKING", "LOST")
    }


@pytest.mark.ros
@pytest.mark.usefixtures("ros")
def test_message_comments_name_every_status() -> None:
    from pathlib import Path

    from sfd2_ros.core.types import Status

    text = (Path(__file__).resolve().parents[2] / "msg" / "LocalizationStatus.msg").read_text("utf-8")
    assert [status.value for status in Status if f'"{status.value}"' not in text] == []
