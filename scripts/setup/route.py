# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where ROS 2 comes from: the one that is sourced, or wheels."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from problem import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What a set-up, or the activation of one, adds to; entries of this checkout must not find their way into the next.
PATH_VARIABLES = (
    "AMENT_PREFIX_PATH",
    "CMAKE_PREFIX_PATH",
    "COLCON_PREFIX_PATH",
    "LD_LIBRARY_PATH",
    "PATH",
    "PKG_CONFIG_PATH",
    "PYTHONPATH",
)
_GLIBC_OF_WHEELS = (2, 28)
# What stands in .ros/route where no ROS 2 was sourced.
WHEELS = "wheels"


@dataclass(frozen=True)
class Route:
    """Where ROS 2 comes from.

    Attributes:
        distro: name of the sourced ROS 2, or empty for wheels.
        prefixes: AMENT_PREFIX_PATH of the sourced ROS 2, or empty.
    """

    distro: str = ""
    prefixes: str = ""

    @property
    def is_native(self) -> bool:
        """Whether a sourced ROS 2 is used."""
        return bool(self.distro)

    @property
    def python_range(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The oldest and newest Python that this route works with."""
        return ((3, 10), (3, 14)) if self.is_native else ((3, 10), (3, 13))

    @property
    def requirements(self) -> tuple[str, ...]:
        """Names of the requirement files."""
        own = "requirements-native.txt" if self.is_native else "requirements-wheels.txt"
        return ("requirements.txt", own, "requirements-dev.txt")

    def __str__(self) -> str:
        """Say it in words."""
        return f"ROS 2 {self.distro}, as sourced" if self.is_native else "ROS 2 from wheels"


def environment_without(root: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what activating this checkout, or another Python environment, added to it."""
    dropped = {"VIRTUAL_ENV", "PYTHONHOME", "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
    clean = {name: value for name, value in env.items() if name not in dropped}
    ours = (f"{root}/.venv", f"{root}/.ros")
    for name in PATH_VARIABLES:
        entries = [entry for entry in clean.get(name, "").split(os.pathsep) if entry]
        kept = [entry for entry in entries if not entry.startswith(ours)]
        clean[name] = os.pathsep.join(kept)
        if not kept:
            del clean[name]
    return clean


def choose_route(env: Mapping[str, str]) -> Route:
    """Return the route for an environment from `environment_without`.

    Raises:
        SetupError: no ROS 2 is sourced, and there are no wheels for this machine.
    """
    if env.get("ROS_DISTRO") and env.get("AMENT_PREFIX_PATH"):
        return Route(env["ROS_DISTRO"], env["AMENT_PREFIX_PATH"])
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise SetupError(
            f"ROS 2 wheels exist for Linux on x86_64, this is {system} on {machine}; install ROS 2 (Humble to Lyrical) "
            "and source it: source /opt/ros/DISTRO/setup.bash"
        )
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(map(int, version.split(".")[:2])) < _GLIBC_OF_WHEELS:
        raise SetupError(
            f"ROS 2 wheels need glibc 2.28 or newer, this machine has {library or 'another C library'} {version}; use "
            "Debian 10, Ubuntu 20.04, RHEL 8 or newer"
        )
    return Route()


def check_route_kept(route: Route, recorded: str | None) -> None:
    """Check that a shell that forgot to source ROS 2 does not turn a checkout from a robot's ROS 2 to wheels.

    Raises:
        SetupError: the checkout was set up beside a ROS 2, and none is sourced now.
    """
    if recorded not in {None, WHEELS} and not route.is_native:
        raise SetupError(
            f"this checkout was set up beside ROS 2 {recorded}, which is not sourced here: source .ros/setup.bash (or "
            "remove .ros, to have ROS 2 from wheels)"
        )
