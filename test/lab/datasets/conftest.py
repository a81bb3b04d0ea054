# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One small town, and miniature copies of data sets of it, rendered once for all tests; a way to call `sfd2`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.miniatures.writer import write_miniature

from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_ros.tools.main import main

SMALL = DriveConfig(seed=0, frames=4, size=(224, 176), rate_hz=3.0)


@pytest.fixture(scope="session")
def town() -> World:
    return World(SMALL.seed)


@pytest.fixture(scope="session")
def small_drive() -> DriveConfig:
    return SMALL


@pytest.fixture(scope="session")
def mini(town: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a call that gives the miniature copy of a data set by name; it must not be changed."""
    made: dict[str, Path] = {}
    root = tmp_path_factory.mktemp("mini")

    def make(name: str) -> Path:
        if name not in made:
            write_miniature(name, root / name, town, SMALL, ["overcast", "night"])
            made[name] = root / name
        return made[name]

    return make


@pytest.fixture
def mini_copy(mini: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return a call that gives a copy of a miniature copy that a test may spoil."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(mini(name), tmp_path / "copies" / name))

    return copy


@pytest.fixture
def sfd2(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a call that runs `sfd2` in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(each) for each in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run
