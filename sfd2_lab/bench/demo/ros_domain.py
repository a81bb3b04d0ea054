# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain of our own on this machine, so that nodes started here neither hear nor disturb a robot."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Robots mostly use small numbers; above 101 the ports of a domain may be taken by outgoing connections.
FIRST, LAST = 43, 101


@contextlib.contextmanager
def private_domain() -> Iterator[int]:
    """Hold a ROS domain that no other caller on this machine holds.

    Within the block the environment puts this process and those that it starts into that domain, and keeps them on
    this machine's loopback interface.

    Yields:
        The domain.

    Raises:
        DependencyError: all of them are held.
    """
    folder = Path(tempfile.gettempdir())
    span = LAST - FIRST + 1
    with contextlib.ExitStack() as stack:
        for offset in range(span):
            domain = FIRST + (os.getpid() + offset) % span
            stream = stack.enter_context((folder / f"sfd2_ros_domain_{os.getuid()}_{domain}.lock").open("w"))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go when the file is closed, even by a crash
                stack.enter_context(_environment(_variables(domain)))
                yield domain
                return
    raise DependencyError(
        f"all ROS domains from {FIRST} to {LAST} are in use by sfd2_ros on this machine; end some runs"
    )


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _variables(domain: int) -> dict[str, str]:
    variables = {"ROS_DOMAIN_ID": str(domain)}
    if os.environ.get("ROS_DISTRO") == "humble":  # knows only this one, which later releases warn of
        return {**variables, "ROS_LOCALHOST_ONLY": "1"}
    return {**variables, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
