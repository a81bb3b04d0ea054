# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`scripts/setup.sh` as a user runs it, on machines that lack something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("bash", "dirname", "env", "cmake", "make", "cc", "c++")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what the set-up reads, in a folder with a space in its name."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("sfd2_ros", "msg", "srv", "ros_standins"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for path in [*ROOT.glob("requirements*.txt"), ROOT / "setup.py", ROOT / "CMakeLists.txt", ROOT / "package.xml"]:
        shutil.copy(path, folder)
    return folder


def machine_with(folder: Path, *names: str) -> dict[str, str]:
    """Return the environment of a machine where only these programs are installed, and Python."""
    folder.mkdir(exist_ok=True)
    for name in names:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    (folder / "python3").symlink_to(os.path.realpath(sys.executable))
    return {"PATH": str(folder), "HOME": str(folder)}


def run_setup(checkout: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up from another folder, without standard input."""
    command = [str(checkout / "scripts" / "setup.sh"), *arguments]
    return subprocess.run(
        command, env=env, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"cmake"}, "no cmake on this machine, messages cannot be built (apt install cmake)"),
        ({"make"}, "no make on this machine, messages cannot be built (apt install make)"),
        ({"c++"}, "no C++ compiler on this machine: none of c++, g++, clang++ (apt install g++)"),
    ],
)
def test_missing_tool_is_one_line_before_anything_is_made(checkout: Path, missing: set[str], said: str) -> None:
    env = machine_with(checkout / "bin", *(name for name in NEEDED if name not in missing))
    done = run_setup(checkout, env)
    assert done.returncode == 1
    assert done.stderr == f"setup: error: {said}\n"
    assert not (checkout / ".venv").exists()


def test_machine_without_python_is_told_in_one_line(checkout: Path) -> None:
    env = machine_with(checkout / "bin", "bash", "dirname", "env")
    (checkout / "bin" / "python3").unlink()
    script = checkout / "scripts" / "setup.sh"
    # A Python of /usr/bin would be found; the script is one that looks for none there.
    script.write_text(script.read_text().replace("/usr/bin/python3", "/nowhere/python3"))
    done = run_setup(checkout, env)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: error: no Python 3.10 to 3.13 on this machine")
    assert done.stderr.count("\n") == 1


def test_python_that_is_named_must_run(checkout: Path) -> None:
    env = {**machine_with(checkout / "bin", *NEEDED), "PYTHON": "python3.99"}
    done = run_setup(checkout, env, "--plan")
    assert done.returncode == 1
    assert "none of python3.99 runs on this machine" in done.stderr


def test_plan_says_what_would_be_done_and_does_nothing(checkout: Path) -> None:
    before = sorted(checkout.rglob("*"))
    env = machine_with(checkout.parent / "bin", *NEEDED)
    done = run_setup(checkout, env, "--plan")
    assert done.returncode == 0, done.stderr
    assert "ROS 2: ROS 2 from wheels" in done.stdout
    assert "bond, nav2_msgs, tf2_msgs (stand-ins), sfd2_ros" in done.stdout
    assert sorted(checkout.rglob("*")) == before


def test_plan_beside_a_sourced_ros_needs_its_rclpy(checkout: Path) -> None:
    env = machine_with(checkout / "bin", *NEEDED)
    env |= {"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": "/opt/ros/jazzy"}
    empty = checkout / "empty"
    empty.mkdir()
    done = run_setup(checkout, {**env, "PYTHONPATH": str(empty)}, "--plan")
    assert done.returncode == 1
    assert "cannot import rclpy although ROS 2 jazzy is sourced" in done.stderr
    (empty / "rclpy.py").touch()
    done = run_setup(checkout, {**env, "PYTHONPATH": str(empty)}, "--plan")
    assert done.returncode == 0, done.stderr
    assert "ROS 2: ROS 2 jazzy, as sourced" in done.stdout
    assert "requirements-native.txt" in done.stdout
    assert "packages built: sfd2_ros\n" in done.stdout


def test_folder_that_cannot_be_written_is_one_line(checkout: Path) -> None:
    (checkout / ".ros").touch()
    done = run_setup(checkout, machine_with(checkout / "bin", *NEEDED))
    assert done.returncode == 1
    assert "cannot write below" in done.stderr
    assert done.stderr.count("\n") == 1
