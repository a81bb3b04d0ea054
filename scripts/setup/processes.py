# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a program with its output in a log."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and what it said last."""

    ok: bool
    output: str


def run_logged(command: Sequence[str | Path], log: Path, *, env: Mapping[str, str], cwd: Path) -> Outcome:
    """Run a program without standard input and add its output to a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab+") as stream:
        stream.write(("$ " + " ".join(map(str, command)) + "\n").encode())
        stream.flush()
        start = stream.tell()
        result = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            check=False,
        )
        stream.seek(start)
        output = stream.read().decode(errors="replace")
    return Outcome(result.returncode == 0, output)
