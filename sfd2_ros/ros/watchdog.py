# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ends a process that a signal has told to end and that is still busy."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S = 4.0
"""Longest time from a signal to the end: `ros2 launch` sends the next signal after five seconds."""

POLL_S = 0.2
"""Time between two looks at the clock; small beside GRACE_S."""


class Watchdog:
    """Ends the process, with exit code 0, when it is still there some time after its signal.

    The signal cannot interrupt what the process may be busy with: a network that warms up, a map on a slow disk, a
    frame with a million keypoints.

    Args:
        is_running: false once a signal has come.
        grace_s: longest time from then to the end.
        end: ends the process at once.
    """

    def __init__(
        self, is_running: Callable[[], bool], *, grace_s: float = GRACE_S, end: Callable[[int], object] = os._exit
    ) -> None:
        self._is_running, self._grace_s, self._end = is_running, grace_s, end
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def dismiss(self) -> None:
        """Let the process end by itself."""
        self._ended.set()

    def _watch(self) -> None:
        while self._is_running():
            if self._ended.wait(POLL_S):
                return
        if not self._ended.wait(self._grace_s):
            sys.stderr.write(f"given up: still busy {self._grace_s:.0f} s after the signal to end\n")
            sys.stderr.flush()
            self._end(0)
