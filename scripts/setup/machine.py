# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the machine must have before anything is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from problem import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OLDEST_CMAKE = (3, 16)
_GIGABYTE = 1_000_000_000


def check_build_tools(env: Mapping[str, str]) -> None:
    """Check that messages can be compiled.

    Raises:
        SetupError: cmake, make or a C++ compiler is missing, or cmake is too old.
    """
    cmake = shutil.which("cmake", path=env.get("PATH"))
    if cmake is None:
        raise SetupError("no cmake on this machine, messages cannot be built (apt install cmake)")
    said = subprocess.run([cmake, "--version"], capture_output=True, text=True, env=dict(env), check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < _OLDEST_CMAKE:
        raise SetupError(f"{cmake} is {said.splitlines()[:1]!r}; cmake 3.16 or newer is needed (apt install cmake)")
    for variable, names in (("CC", ("cc", "gcc", "clang")), ("CXX", ("c++", "g++", "clang++"))):
        wanted = [env[variable].split()[0]] if env.get(variable, "").strip() else names
        if not any(shutil.which(name, path=env.get("PATH")) for name in wanted):
            raise SetupError(f"no C++ compiler on this machine: none of {', '.join(wanted)} (apt install g++)")
    if not any(shutil.which(name, path=env.get("PATH")) for name in ("make", "gmake")):
        raise SetupError("no make on this machine, messages cannot be built (apt install make)")


def check_disk(root: Path, *, gigabytes: float) -> None:
    """Check that there is room for what will be installed.

    Raises:
        SetupError: less is free than is needed.
    """
    free = shutil.disk_usage(root).free / _GIGABYTE
    if free < gigabytes:
        raise SetupError(f"{free:.1f} GB free below {root}, {gigabytes:.0f} GB needed; free some, or move the checkout")


def check_writable(root: Path) -> None:
    """Check that .venv and .ros can be made.

    Raises:
        SetupError: the checkout cannot be written.
    """
    try:
        (root / ".ros").mkdir(exist_ok=True)
        probe = root / ".ros" / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as err:
        raise SetupError(f"cannot write below {root}: {err.strerror}; use a checkout that belongs to you") from err


def has_nvidia_gpu(env: Mapping[str, str]) -> bool:
    """Return whether an NVIDIA GPU and its driver are there."""
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi", path=env.get("PATH")) is not None
