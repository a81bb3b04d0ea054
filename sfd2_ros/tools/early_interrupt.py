# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while the libraries of `sfd2` are imported: one line and code 130, as later.

Python would show a traceback of whatever it imports at that moment. Importing this module installs the handler, so it
is the first import of the program; `restore` ends it.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn

from sfd2_ros.core.streams import STDERR

_INTERRUPTED_CODE = 128 + signal.SIGINT


def restore() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> NoReturn:
    os.write(STDERR, b"sfd2: interrupted\n")
    os._exit(_INTERRUPTED_CODE)  # nothing is open yet, and an exception would end in the middle of an import


def _install() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a parent had it ignored
        try:
            signal.signal(signal.SIGINT, _end)
        except ValueError:  # imported by another thread than the main one
            return


_install()
