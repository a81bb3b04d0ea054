# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM ends a command as Ctrl-C does: nothing half-written stays, and the nodes it started are ended."""

from __future__ import annotations

import signal
import threading
from typing import NoReturn

INTERRUPTED_CODE, TERMINATED_CODE = 128 + signal.SIGINT, 128 + signal.SIGTERM
"""What a shell shows for a program that these signals ended."""


class TerminatedError(SystemExit):
    """SIGTERM came; exit code 143 where nobody catches it."""


class InterruptedCommandError(SystemExit):
    """Ctrl-C came; exit code 130 where no caller catches it."""


def end_on_termination() -> None:
    """Raise `TerminatedError` in the main thread when SIGTERM comes.

    To be called again after pycolmap is imported, whose own handler would print a stack trace and end the process.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    raise TerminatedError(TERMINATED_CODE)
