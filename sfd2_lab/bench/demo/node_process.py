# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Starts and ends the nodes as processes, by the executables that users run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

STOP_S = 20.0
KILL_S = 5.0


class NodeProcess:
    """A node in a process of its own, ended when the block ends; use it as a context manager.

    Args:
        executable: "feature_node", "localizer_node" or "composed_nodes".
        parameters: ROS parameters by name.
        log: file for what it prints.
        arguments: further ROS arguments, such as remappings.
    """

    def __init__(
        self,
        executable: str,
        parameters: Mapping[str, Any],
        *,
        log: Path,
        arguments: Sequence[str] = (),
    ) -> None:
        self.executable = executable
        self.log = log
        settings = [part for name, value in parameters.items() for part in ("-p", f"{name}:={json.dumps(value)}")]
        self.command = [*command_of(executable), "--ros-args", *settings, *arguments]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                self.command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we end the nodes in order
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def processor_seconds(self) -> float:
        """Return the processor time that the process has used, of all cores; NaN where there is no /proc."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return float("nan")
        # The name, in parentheses, may have spaces. After it, fields 3 and on; 14 and 15 are user and system time.
        fields = stat.read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check(self) -> None:
        """Check that it runs.

        Raises:
            DependencyError: it has ended; gives the last lines that it printed.
        """
        code = self._process.poll()
        if code is not None:
            raise DependencyError(f"{self.executable} ended with exit code {code}; its output:\n{self.last_lines()}")

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself and return its exit code."""
        return self._process.wait(timeout_s)

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it by a signal, and by force when it does not; return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(KILL_S)

    def output(self) -> str:
        """Return all that it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def last_lines(self, count: int = 15) -> str:
        """Return the last lines that it has printed."""
        return "\n".join(self.output().splitlines()[-count:])


def command_of(executable: str) -> list[str]:
    """Return the command that runs a node: the installed executable, or its module in a checkout."""
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        installed = Path(prefix) / "lib" / "sfd2_ros" / executable
        if prefix and installed.is_file():
            return [sys.executable, str(installed)]
    return [sys.executable, "-m", f"sfd2_ros.ros.{executable}"]
