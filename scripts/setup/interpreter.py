# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the Python that the virtual environment is made from."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from problem import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from route import Route

# The base interpreter is asked for: a virtual environment that happens to be active is not built on.
_PROBE = """
import importlib.util, json, os, sys, sysconfig
find = importlib.util.find_spec
rclpy = False
if os.environ.get("ROS_DISTRO"):
    try:
        import rclpy
    except Exception:
        pass
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": sys.version_info[:3],
    "venv": bool(find("venv") and find("ensurepip")),
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    "rclpy": bool(rclpy),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs on this machine."""

    executable: str
    version: tuple[int, int, int]
    venv: bool
    headers: bool
    rclpy: bool

    @property
    def name(self) -> str:
        """Its minor version, as in `3.11`."""
        return f"{self.version[0]}.{self.version[1]}"

    def lacks(self, route: Route) -> str | None:
        """Return what is missing for a route and the remedy, or None."""
        lowest, highest = route.python_range
        if not lowest <= self.version[:2] <= highest:
            allowed = f"3.{lowest[1]} to 3.{highest[1]}"
            return (
                f"{self.executable} is Python {self.name}; {allowed} is needed (name one: PYTHON=python3.12 make setup)"
            )
        if not self.venv:
            return f"{self.executable} has no venv and ensurepip modules (apt install python{self.name}-venv)"
        if route.is_native and not self.rclpy:
            return (
                f"{self.executable} cannot import rclpy although ROS 2 {route.distro} is sourced; leave conda or other "
                f"environments, or apt install ros-{route.distro}-rclpy"
            )
        if not self.headers:
            return f"{self.executable} has no C headers, which the messages need (apt install python{self.name}-dev)"
        return None


def probe(name: str, env: Mapping[str, str]) -> Interpreter | None:
    """Ask an interpreter what it is; None when it does not run."""
    try:
        result = subprocess.run(
            [name, "-c", _PROBE], capture_output=True, text=True, env=dict(env), timeout=60, check=False
        )
        facts = json.loads(result.stdout) if result.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if facts is None:
        return None
    facts["version"] = tuple(facts["version"])
    return Interpreter(**facts)


def choose_interpreter(names: Sequence[str], route: Route, env: Mapping[str, str]) -> Interpreter:
    """Return the first interpreter that has everything a route needs.

    Raises:
        SetupError: none has; the message is about the first that runs.
    """
    reasons = []
    for name in names:
        interpreter = probe(name, env)
        if interpreter is None:
            continue
        lack = interpreter.lacks(route)
        if lack is None:
            return interpreter
        reasons.append(lack)
    if reasons:
        raise SetupError(reasons[0])
    raise SetupError(f"none of {', '.join(names)} runs on this machine (apt install python3 python3-venv python3-dev)")
