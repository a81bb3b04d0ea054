# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay .ros/install: messages and modules of this package, built by colcon."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from plan import STANDINS
from problem import SetupError
from processes import run_logged
from stamps import Stamp, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plan import Plan

_INSTALLED_FOLDERS = ("sfd2_ros", "launch", "config", "scripts")


class Overlay:
    """Builds the overlay; installed files are links, so that an edited module needs no build."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._base = plan.root / ".ros"
        self._log = self._base / "log" / "overlay.log"
        self._ready = Stamp(self._base / "overlay_ready")

    def key(self) -> str:
        """Return the key of the overlay that the plan asks for: what is compiled, and the names of what is linked."""
        root = self._plan.root
        files = [root / "CMakeLists.txt", root / "package.xml", *self._interfaces()]
        names = sorted(str(path.relative_to(root)) for path in self._linked())
        return key_of([self._plan.environment_key, *names], files)

    def is_ready(self) -> bool:
        """Return whether the overlay is finished and is what the plan asks for."""
        return self._ready.read() == self.key() and (self._base / "install" / "local_setup.bash").exists()

    def build(self) -> None:
        """Make the overlay what the plan asks for; an unfinished one is made anew.

        Raises:
            SetupError: the build fails; its log is named.
        """
        unfinished = self._ready.read() is None
        self._ready.clear()
        self._log.unlink(missing_ok=True)
        if unfinished:
            shutil.rmtree(self._base / "build", ignore_errors=True)
            shutil.rmtree(self._base / "install", ignore_errors=True)
        self._say(f"ROS 2 messages and nodes (log: {self._log.relative_to(self._plan.root)})")
        built = run_logged(self._command(), self._log, env=self._environment(), cwd=self._plan.root)
        if not built.ok:
            raise SetupError(f"cannot build the overlay: {first_error(built.output)} (log: {self._log})")
        remove_dangling_links(self._base / "install")
        self._ready.write(self.key())

    def _command(self) -> list[str]:
        root = self._plan.root
        # Named one by one: nothing below .venv or out is ever taken for a package.
        sources = [str(root)]
        options = ["-DBUILD_TESTING=OFF", "--no-warn-unused-cli"]
        colcon = str(root / ".venv" / "bin" / "colcon")
        if self._plan.route.is_native:
            colcon = shutil.which("colcon", path=self._plan.env.get("PATH")) or ""
            if not colcon:
                raise SetupError("no colcon on this machine (apt install python3-colcon-common-extensions)")
        else:
            sources += [str(root / "ros_standins" / name) for name in STANDINS]
            options.append(f"-DPython3_EXECUTABLE={root}/.venv/bin/python")
        command = [colcon, "--log-base", f"{self._base}/log/colcon", "build", "--paths", *sources]
        command += ["--build-base", f"{self._base}/build", "--install-base", f"{self._base}/install"]
        command += ["--merge-install", "--symlink-install", "--event-handlers", "console_direct+"]
        return [*command, "--cmake-args", *options]

    def _environment(self) -> dict[str, str]:
        """Return the environment of the build: the sourced one, or that of the wheels alone."""
        env = dict(self._plan.env)
        if self._plan.route.is_native:
            return env
        for name in ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH", "PYTHONPATH"):
            env.pop(name, None)
        prefix = self._plan.root / ".venv"
        env["AMENT_PREFIX_PATH"] = env["CMAKE_PREFIX_PATH"] = str(prefix)
        env["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [f"{prefix}/lib", env.get("LD_LIBRARY_PATH", "")]))
        env["PATH"] = os.pathsep.join([f"{prefix}/bin", env.get("PATH", os.defpath)])
        return env

    def _interfaces(self) -> Iterator[Path]:
        root = self._plan.root
        folders = [root / "msg", root / "srv"]
        if not self._plan.route.is_native:
            folders += [root / "ros_standins" / name for name in STANDINS]
        for folder in folders:
            yield from sorted(path for path in folder.rglob("*") if path.is_file())

    def _linked(self) -> Iterator[Path]:
        for name in _INSTALLED_FOLDERS:
            for path in (self._plan.root / name).rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path


def first_error(output: str) -> str:
    """Return the first error of CMake, with its indented lines, or of a compiler, in one line."""
    found = re.search(r"^(CMake Error.*(?:\n[ \t]+\S.*|\n(?=\n?[ \t]))*|.*\berror: .*)", output, re.MULTILINE)
    return " ".join(found.group().split()) if found else "colcon build failed"


def remove_dangling_links(folder: Path) -> None:
    """Remove links to files that are gone, so that a deleted module is gone from the overlay too."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() and not path.exists():
                path.unlink()
