# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

from sfd2_ros.ros.watchdog import Watchdog

TIMEOUT_S = 20.0


def test_process_that_is_busy_after_its_signal_is_ended_with_exit_code_0() -> None:
    running, ended, codes = threading.Event(), threading.Event(), []
    running.set()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    Watchdog(running.is_set, grace_s=0.1, end=end)
    assert not ended.wait(0.5)  # no signal yet
    running.clear()
    assert ended.wait(TIMEOUT_S)
    assert codes == [0]


def test_process_that_ends_in_time_is_left_alone() -> None:
    running, ended = threading.Event(), threading.Event()
    watchdog = Watchdog(running.is_set, grace_s=0.5, end=lambda _code: ended.set())
    watchdog.dismiss()
    assert not ended.wait(1.0)
