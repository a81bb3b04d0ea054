# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a set-up will do on this machine, decided before anything is done."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interpreter import Interpreter, choose_interpreter
from machine import has_nvidia_gpu
from route import Route, choose_route, environment_without
from stamps import key_of
from torch_choice import Attempt, torch_attempts, torch_pin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STANDINS = ("bond", "nav2_msgs", "tf2_msgs")
"""Interface packages that the wheels of ROS 2 lack: folders of ros_standins/."""
_ANY_PYTHON = ("python3", "python3.12", "python3.11", "python3.13", "python3.10", "/usr/bin/python3")


@dataclass(frozen=True)
class Plan:
    """What a set-up will do.

    Attributes:
        root: the checkout.
        env: the environment for every program that is started.
        route: where ROS 2 comes from.
        interpreter: what .venv is made from.
        torch: the ways to get torch, in order.
    """

    root: Path
    env: dict[str, str]
    route: Route
    interpreter: Interpreter
    torch: tuple[Attempt, ...]

    @property
    def environment_key(self) -> str:
        """Key of everything that, when it changes, makes .venv anew."""
        return key_of(
            [
                str(self.root),
                self.route.distro,
                self.route.prefixes,
                self.interpreter.executable,
                repr(self.interpreter.version),
                self.torch[0].words,
            ]
        )

    def describe(self) -> str:
        """Return the plan in words, a line each."""
        standins = "" if self.route.is_native else f"{', '.join(STANDINS)} (stand-ins), "
        return "\n".join(
            [
                f"ROS 2: {self.route}",
                f"Python: {self.interpreter.name} ({self.interpreter.executable})",
                f"torch: {'; else '.join(attempt.words for attempt in self.torch)}",
                f"requirements: {', '.join(self.route.requirements)}",
                f"packages built: {standins}sfd2_ros",
                "folders: .venv .ros",
            ]
        )


def make_plan(root: Path, env: Mapping[str, str]) -> Plan:
    """Decide what to do.

    Raises:
        SetupError: something that is needed is missing.
    """
    clean = environment_without(root, env)
    route = choose_route(clean)
    names = (clean["PYTHON"],) if clean.get("PYTHON") else _kept_interpreter(root) + _ANY_PYTHON
    interpreter = choose_interpreter(names, route, clean)
    attempts = torch_attempts(
        torch_pin(root / "requirements.txt"),
        index=clean.get("TORCH_INDEX", ""),
        has_gpu=has_nvidia_gpu(clean),
        machine=platform.machine(),
    )
    return Plan(root, clean, route, interpreter, tuple(attempts))


def _kept_interpreter(root: Path) -> tuple[str, ...]:
    """Return the interpreter of .venv, if any: another python3 in front of PATH is no reason to make it anew."""
    python = root / ".venv" / "bin" / "python"
    return (str(python),) if python.exists() else ()
