# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A painted scene, a map of it made by the command, and a way to call `sfd2`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def refused(self, code: int, *parts: str) -> None:
        """Check that it failed with one line on standard error that says this."""
        assert self.code == code, self
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("sfd2: error: ")
        for part in parts:
            assert part in lines[0]
        assert self.out == ""

    def succeeded(self) -> str:
        """Check that it succeeded and return what it printed."""
        assert self.code == 0, self
        assert self.err == ""
        return self.out


@pytest.fixture
def sfd2(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Return a call that runs `sfd2` in this process.

    Left out are the lines of progress that a slow machine would print, and the line about the weights in use.
    """
    from sfd2_ros.tools.main import main

    monkeypatch.setattr("sfd2_ros.tools.options.FIRST_LINE_S", float("inf"))

    def run(*arguments: object) -> Said:
        capfd.readouterr()
        code = main([str(each) for each in arguments])
        said = capfd.readouterr()
        lines = said.err.splitlines(keepends=True)
        return Said(code, said.out, "".join(line for line in lines if not line.startswith("weights ")))

    return run


@pytest.fixture(scope="session")
def sfd2_process() -> Callable[..., subprocess.Popen[str]]:
    """Return a call that starts `sfd2` as a process of its own."""

    def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "sfd2_ros.tools.main", *map(str, arguments)]
        settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=environment, **{**settings, **options})

    return start


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory, paint_scene: Callable[..., Any]) -> Path:
    """Return a painted scene of six images, four of them in map.txt and two in query.txt."""
    folder = tmp_path_factory.mktemp("painted") / "scene"
    paint_scene(folder)
    (folder / "map.txt").write_text("0.png\n1.png\n3.png\n5.png\n")
    (folder / "query.txt").write_text("2.png\n4.png\n")
    return folder


@pytest.fixture(scope="session")
def painted_map(painted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a map of the painted scene, made by `sfd2 map build`."""
    from sfd2_ros.tools.main import main

    folder = tmp_path_factory.mktemp("painted_map") / "map"
    assert main(["map", "build", str(painted), "-o", str(folder), "--device", "cpu"]) == 0
    return folder


@pytest.fixture
def scene(painted: Path, tmp_path: Path) -> Path:
    """Return a copy of the painted scene that a test may spoil."""
    folder = tmp_path / "scene"
    shutil.copytree(painted, folder)
    return folder
