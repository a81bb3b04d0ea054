# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Environment variables for the threads of numpy and torch; the executables set them before they import either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENBLAS_NUM_THREADS = "1"
"""Threads of numpy's BLAS, whose products are small here. With one for each core they compete with torch's threads: a
pose took half as long again, and twice the processor time (`sfd2 bench latency`)."""
GOMP_SPINCOUNT = "10000"
"""Turns, tens of microseconds, that torch's threads (libgomp) spin while they wait for each other. The default is so
long that an image takes four times as long beside other work on the same cores."""


def thread_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to add to an environment; what a user has set stays.

    Args:
        environment: of the process, such as `os.environ`.
    """
    wanted = {"OPENBLAS_NUM_THREADS": OPENBLAS_NUM_THREADS}
    if "OMP_WAIT_POLICY" not in environment:
        wanted["GOMP_SPINCOUNT"] = GOMP_SPINCOUNT
    return {name: value for name, value in wanted.items() if name not in environment}


def set_thread_environment() -> None:
    """Set the variables in this process; call it before numpy or torch is imported, which read them then."""
    os.environ.update(thread_environment(os.environ))
