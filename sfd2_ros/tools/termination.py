# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM ends a command as Ctrl-C does: nothing half-written stays, and the nodes it started are ended."""

from __future__ import annotations

import signal
import threading
from typing import NoReturn


class TerminatedError(SystemExit):
    """SIGTERM came; exit code 143 where nobody catches it."""


def end_on_termination() -> None:
    """Raise `TerminatedError` in the main thread when SIGTERM comes.

    To be called again after pycolmap is imported, whose own handler would print a stack trace and end the process.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    raise TerminatedError(128 + signal.SIGTERM)
