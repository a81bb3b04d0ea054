# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The virtual environment .venv and the packages in it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from machine import check_disk
from mend_wheels import mend_wheels
from problem import SetupError
from processes import Outcome, run_logged
from stamps import Stamp, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plan import Plan

_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|ConnectTimeoutError|"
    r"Network is unreachable|Connection refused|ReadTimeoutError|ProxyError|SSLError|CERTIFICATE_VERIFY"
)


class Packages:
    """Makes .venv and installs what the requirement files pin."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._venv = plan.root / ".venv"
        self._python = self._venv / "bin" / "python"
        self._log = plan.root / ".ros" / "log" / "packages.log"
        self._made = Stamp(self._venv / ".sfd2_ros_made")
        self._ready = Stamp(self._venv / ".sfd2_ros_ready")

    def key(self) -> str:
        """Return the key of the environment that the plan asks for."""
        files = [
            self._plan.root / name for name in (*self._plan.route.requirements, "setup.py", "sfd2_ros/__init__.py")
        ]
        return key_of([self._plan.environment_key], files)

    def is_ready(self) -> bool:
        """Return whether .venv is finished and is what the plan asks for."""
        return self._ready.read() == self.key() and self._python.exists()

    def install(self) -> None:
        """Make .venv what the plan asks for; an unfinished one, or one of another Python, is made anew.

        Raises:
            SetupError: something cannot be installed.
        """
        unfinished = self._ready.read() is None
        self._ready.clear()
        self._log.unlink(missing_ok=True)
        if unfinished or self._made.read() != self._plan.environment_key or not self._python.exists():
            self._make()
        self._install_torch()
        self._say(f"Python packages (log: {self._log.relative_to(self._plan.root)})")
        files = [part for name in self._plan.route.requirements for part in ("-r", name)]
        self._require(self._pip(files), "Python packages")
        self._require(self._pip(["--no-deps", "--no-build-isolation", "--editable", "."]), "sfd2_ros")
        if not self._plan.route.is_native:
            self._mend()
        self._ready.write(self.key())

    def _make(self) -> None:
        self._say(f"virtual environment .venv, Python {self._plan.interpreter.name}")
        if self._venv.is_symlink():
            raise SetupError(f"{self._venv} is a link; remove it, the set-up makes its own")
        shutil.rmtree(self._venv, ignore_errors=True)
        options = ["--system-site-packages"] if self._plan.route.is_native else []
        made = run_logged(
            [self._plan.interpreter.executable, "-m", "venv", *options, self._venv],
            self._log,
            env=self._plan.env,
            cwd=self._plan.root,
        )
        self._require(made, "the virtual environment")
        self._made.write(self._plan.environment_key)

    def _install_torch(self) -> None:
        for attempt in self._plan.torch:
            check_disk(self._plan.root, gigabytes=attempt.gigabytes)
            self._say(attempt.words)
            outcome = self._pip(attempt.arguments)
            if outcome.ok:
                return
        self._require(outcome, "torch")

    def _mend(self) -> None:
        code = "import sysconfig, numpy; print(sysconfig.get_path('include')); print(numpy.get_include())"
        asked = run_logged([self._python, "-I", "-c", code], self._log, env=self._plan.env, cwd=self._plan.root)
        self._require(asked, "numpy")
        python_include, numpy_include = asked.output.split("\n")[:2]
        mend_wheels(self._venv, python_include=python_include, numpy_include=numpy_include)

    def _pip(self, arguments: Sequence[str]) -> Outcome:
        command: list[str | Path] = [self._python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += arguments
        return run_logged(command, self._log, env=self._plan.env, cwd=self._plan.root)

    def _require(self, outcome: Outcome, what: str) -> None:
        if not outcome.ok:
            raise SetupError(f"cannot install {what}: {explain(outcome.output)} (log: {self._log})")


def explain(output: str) -> str:
    """Return one line about why pip failed."""
    if "No space left on device" in output:
        return "the disk is full"
    if _NETWORK.search(output):
        return "no network, or pip's index cannot be reached; check the connection and pip's configuration"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    lines = errors or output.strip().splitlines() or ["no output"]
    return lines[-1].removeprefix("ERROR: ")
