# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from sfd2_ros.localization.states import Method, RobotState


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

    methods = [method.value for method in Method]
    text = (Path(__file__).resolve().parents[2] / "msg" / "LocalizationStatus.msg").read_text("utf-8")
    assert [name for name in [*methods, *(status.value for status in Status)] if f'"{name}"' not in text] == []
