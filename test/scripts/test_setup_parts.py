# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the set-up that decide, apart from what they do."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SETUP = Path(__file__).resolve().parents[2] / "scripts" / "setup"
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a call that imports a module of scripts/setup by its name there."""
    monkeypatch.syspath_prepend(SETUP)
    return importlib.import_module


def test_stamp_is_gone_while_a_step_is_under_way(load: Load, tmp_path: Path) -> None:
    stamp = load("stamps").Stamp(tmp_path / "deep" / "stamp")
    assert stamp.read() is None
    stamp.write("key")
    assert stamp.read() == "key"
    stamp.clear()
    assert stamp.read() is None
    stamp.clear()


def test_key_changes_with_every_value_and_every_byte(load: Load, tmp_path: Path) -> None:
    key_of = load("stamps").key_of
    path = tmp_path / "file"
    path.write_text("a")
    first = key_of(["x"], [path])
    assert key_of(["x"], [path]) == first
    assert key_of(["y"], [path]) != first
    assert key_of(["x", ""], [path]) != first
    path.write_text("b")
    assert key_of(["x"], [path]) != first


def test_mends_change_both_folders_once_and_nothing_else(load: Load, tmp_path: Path) -> None:
    mend = load("mend_wheels").mend_wheels
    cmake = tmp_path / "share" / "std_msgs" / "cmake" / "export.cmake"
    cmake.parent.mkdir(parents=True)
    built = "/opt/python/cp312-cp312"
    cmake.write_text(f'A "{built}/include/python3.12;{built}/lib/python3.12/site-packages/numpy/_core/include" B')
    other = cmake.with_name("other.cmake")
    other.write_text("/opt/python/bin")
    assert mend(tmp_path, python_include="/p/inc", numpy_include="/n/inc") == 1
    assert cmake.read_text() == 'A "/p/inc;/n/inc" B'
    assert other.read_text() == "/opt/python/bin"
    assert mend(tmp_path, python_include="/p/inc", numpy_include="/n/inc") == 0


def test_torch_for_a_machine_without_gpu_is_the_cpu_build_and_cuda_comes_last(load: Load) -> None:
    attempts = load("torch_choice").torch_attempts("torch==2.13.0", index="", has_gpu=False, machine="x86_64")
    assert [attempt.arguments[0] for attempt in attempts] == ["torch==2.13.0+cpu"] * 2 + ["torch==2.13.0"]
    assert "--extra-index-url" not in attempts[0].arguments


@pytest.mark.parametrize(("has_gpu", "machine"), [(True, "x86_64"), (False, "aarch64"), (True, "aarch64")])
def test_torch_is_the_plain_build_where_that_is_the_right_one(load: Load, has_gpu: bool, machine: str) -> None:  # noqa: FBT001
    attempts = load("torch_choice").torch_attempts("torch==2.13.0", index="", has_gpu=has_gpu, machine=machine)
    assert [attempt.arguments for attempt in attempts] == [("torch==2.13.0",)]


def test_torch_comes_from_the_index_that_the_user_names(load: Load) -> None:
    (attempt,) = load("torch_choice").torch_attempts("torch==2", index="https://x/y", has_gpu=True, machine="x86_64")
    assert attempt.arguments == ("torch==2", "--extra-index-url", "https://x/y")


def test_environment_forgets_this_checkout_and_keeps_the_rest(load: Load) -> None:
    env = {
        "PATH": os.pathsep.join(["/c/.venv/bin", "/usr/bin", "/d/.venv/bin"]),
        "AMENT_PREFIX_PATH": "/c/.ros/install:/c/.venv",
        "VIRTUAL_ENV": "/c/.venv",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1",
        "HOME": "/h",
    }
    clean = load("route").environment_without(Path("/c"), env)
    assert clean == {"PATH": "/usr/bin:/d/.venv/bin", "HOME": "/h"}


def test_sourced_ros_is_used_and_wheels_otherwise(load: Load) -> None:
    route = load("route")
    native = route.choose_route({"ROS_DISTRO": "humble", "AMENT_PREFIX_PATH": "/opt/ros/humble"})
    assert (native.is_native, native.distro) == (True, "humble")
    assert "requirements-native.txt" in native.requirements
    wheels = route.choose_route({"ROS_DISTRO": "noetic"})
    assert not wheels.is_native
    assert "requirements-wheels.txt" in wheels.requirements


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"system": "Darwin"}, "Darwin"), ({"machine": "aarch64"}, "aarch64"), ({"libc": "2.17"}, "2.28")],
)
def test_machine_without_wheels_is_told_to_source_ros(
    load: Load, monkeypatch: pytest.MonkeyPatch, facts: dict[str, str], said: str
) -> None:
    route = load("route")
    monkeypatch.setattr(route.platform, "system", lambda: facts.get("system", "Linux"))
    monkeypatch.setattr(route.platform, "machine", lambda: facts.get("machine", "x86_64"))
    monkeypatch.setattr(route.platform, "libc_ver", lambda: ("glibc", facts.get("libc", "2.36")))
    with pytest.raises(load("problem").SetupError, match=said):
        route.choose_route({})


def test_shell_that_forgot_to_source_ros_does_not_change_the_route(load: Load) -> None:
    route = load("route")
    route.check_route_kept(route.Route(), None)
    route.check_route_kept(route.Route(), "wheels")
    route.check_route_kept(route.Route("jazzy", "/opt/ros/jazzy"), "jazzy")
    route.check_route_kept(route.Route("jazzy", "/opt/ros/jazzy"), "wheels")
    with pytest.raises(load("problem").SetupError, match=r"source \.ros/setup\.bash"):
        route.check_route_kept(route.Route(), "jazzy")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": (3, 9, 1)}, "3.10 to 3.13"),
        ({"version": (3, 14, 0)}, "3.10 to 3.13"),
        ({"venv": False}, "apt install python3.12-venv"),
        ({"headers": False}, "apt install python3.12-dev"),
    ],
)
def test_unfit_python_is_told_apart_with_a_remedy(load: Load, changed: dict[str, object], said: str) -> None:
    interpreter, route = load("interpreter"), load("route")
    fit = {"executable": "/usr/bin/python3", "version": (3, 12, 3), "venv": True, "headers": True, "rclpy": False}
    assert interpreter.Interpreter(**fit).lacks(route.Route()) is None
    assert said in interpreter.Interpreter(**{**fit, **changed}).lacks(route.Route())


def test_python_of_a_sourced_ros_must_import_rclpy(load: Load) -> None:
    interpreter, native = load("interpreter"), load("route").Route("lyrical", "/opt/ros/lyrical")
    facts = {"executable": "/usr/bin/python3", "version": (3, 14, 0), "venv": True, "headers": True}
    assert interpreter.Interpreter(**facts, rclpy=True).lacks(native) is None
    assert "cannot import rclpy" in interpreter.Interpreter(**facts, rclpy=False).lacks(native)


def test_full_disk_is_told_with_both_numbers(load: Load, tmp_path: Path) -> None:
    machine = load("machine")
    machine.check_disk(tmp_path, gigabytes=0.0)
    with pytest.raises(load("problem").SetupError, match="1000000 GB needed"):
        machine.check_disk(tmp_path, gigabytes=1e6)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching", "no network"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("x\nERROR: No matching distribution found for torch==9", "No matching distribution found for torch==9"),
        ("", "no output"),
    ],
)
def test_failure_of_pip_is_one_line(load: Load, output: str, said: str) -> None:
    assert said in load("packages").explain(output)


def test_failure_of_the_build_is_one_line(load: Load) -> None:
    first_error = load("overlay").first_error
    assert first_error("-- core/errors.py\nCMake Error at a.cmake:1 (message):\n  no\n  launch\n\n\nx") == (
        "CMake Error at a.cmake:1 (message): no launch"
    )
    assert first_error("a.c:1:2: fatal error: Python.h: none\n#include") == "a.c:1:2: fatal error: Python.h: none"


def test_link_to_a_deleted_module_is_removed(load: Load, tmp_path: Path) -> None:
    (tmp_path / "kept.py").touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "kept.py").symlink_to(tmp_path / "kept.py")
    (tmp_path / "deep" / "gone.py").symlink_to(tmp_path / "gone.py")
    load("overlay").remove_dangling_links(tmp_path)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["kept.py"]
