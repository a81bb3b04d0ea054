# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One version everywhere, everything installed, every dependency named where its reader looks."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import sfd2_ros

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ET.parse(ROOT / "package.xml").getroot()  # noqa: S314  our own file
CMAKE = (ROOT / "CMakeLists.txt").read_text("utf-8")
EXECUTABLES = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)
PACKAGES = ("sfd2_ros", "sfd2_lab")


def files_below(folder: str) -> list[Path]:
    """Return the files of a folder of the checkout, but for what Python leaves there."""
    found = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def dependencies(*kinds: str) -> set[str]:
    """Return the names in package.xml under some tags."""
    return {node.text or "" for kind in kinds for node in PACKAGE.findall(kind)}


def requirements(name: str) -> list[Requirement]:
    """Return the lines of a requirements file."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def setup_call() -> ast.Call:
    """Return the call of setup() in setup.py."""
    tree = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    return next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup")


def setup_value(keyword: str) -> ast.expr:
    """Return what setup() is given for a keyword."""
    return next(given.value for given in setup_call().keywords if given.arg == keyword)


def test_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert PACKAGE.findtext("version") == sfd2_ros.__version__
    assert newest.group(1) == sfd2_ros.__version__
    run = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split()[-1] == sfd2_ros.__version__


def test_every_interface_is_generated() -> None:
    listed = set(re.findall(r'"((?:msg|srv)/\w+\.(?:msg|srv))"', CMAKE))
    found = {str(path) for folder in ("msg", "srv") for path in files_below(folder)}
    assert found
    assert listed == found


def test_every_interface_dependency_is_found_and_declared() -> None:
    used = {name for path in ("msg", "srv") for file in files_below(path) for name in fields_from_others(file)}
    generated = re.search(r"DEPENDENCIES ([\w\s]+)\)", CMAKE)
    assert generated is not None
    assert used
    assert used <= set(generated.group(1).split())
    assert set(generated.group(1).split()) <= dependencies("depend")
    for name in generated.group(1).split():
        assert f"find_package({name} REQUIRED)" in CMAKE


def fields_from_others(interface: Path) -> Iterator[str]:
    """Yield the packages whose messages an interface holds."""
    for line in (ROOT / interface).read_text("utf-8").splitlines():
        found = re.match(r"(\w+)/\w+", line)
        if found:
            yield found.group(1)


def test_maintainer_can_be_written_to() -> None:
    address = PACKAGE.find("maintainer")
    assert address is not None
    assert re.fullmatch(r"[\w.+-]+@[\w-]{2,}(\.[\w-]{2,})+", address.get("email", ""))


def test_pins_are_exact_and_within_what_setup_py_allows() -> None:
    texts = [
        *ast.literal_eval(setup_value("install_requires")),
        *ast.literal_eval(setup_value("extras_require"))["lab"],
        *ast.literal_eval(setup_value("extras_require"))["view"],
        *ast.literal_eval(setup_value("extras_require"))["mapping"],
    ]
    allowed = {Requirement(text).name.lower(): Requirement(text) for text in texts}
    files = ("requirements.txt", "requirements-wheels.txt", "requirements-native.txt", "requirements-dev.txt")
    pins = [pin for name in files for pin in requirements(name)]
    assert pins
    for pin in pins:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"{pin} is no exact pin"
    for pin in (*requirements("requirements.txt"), *requirements("requirements-native.txt")):
        range_ = allowed.get(pin.name.lower())
        assert pin.name == "setuptools" or range_ is not None, f"setup.py lacks {pin.name}"
        assert range_ is None or str(pin.specifier).removeprefix("==") in range_.specifier, f"{pin} is outside {range_}"
    assert set(allowed) <= {pin.name.lower() for pin in pins}


def test_wheel_holds_modules_and_data(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build leaves files behind, which are not to lie in the checkout
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    wanted = {path.as_posix() for package in PACKAGES for path in files_below(package)}
    assert {f"{package}/py.typed" for package in PACKAGES} <= wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_colcon_installs_every_file(skip_without: Callable[[str, str], None]) -> None:
    prefixes = [Path(entry) for entry in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry]
    found = [prefix for prefix in prefixes if (prefix / "share" / "sfd2_ros" / "package.xml").exists()]
    if not found:
        skip_without("ros", "no ROS overlay with sfd2_ros is sourced (source .ros/setup.bash)")
    prefix = found[0]
    share = prefix / "share" / "sfd2_ros"
    (init,) = prefix.glob("**/sfd2_ros/core/__init__.py")
    python = init.parent.parent.parent
    shared = [path for folder in ("launch", "config", "msg", "srv") for path in files_below(folder)]
    shared = [path for path in shared if "training" not in path.parts]
    missing = [path for path in shared if not (share / path).exists()]
    missing += [path for path in files_below("sfd2_ros") if not (python / path).exists()]
    assert not missing
    installed = {path.relative_to(prefix) for path in prefix.rglob("*") if "sfd2_lab" in path.parts}
    assert not installed
    assert {"feature_node", "localizer_node", "sfd2"} <= set(EXECUTABLES)
    for name in EXECUTABLES:
        assert os.access(prefix / "lib" / "sfd2_ros" / name, os.X_OK)


@pytest.mark.parametrize("name", EXECUTABLES)
def test_executable_finds_the_python_of_who_runs_it(name: str) -> None:
    script = ROOT / "scripts" / name
    assert script.read_text("utf-8").startswith("#!/usr/bin/env python3\n")
    assert os.access(script, os.X_OK)
    assert f"scripts/{name}" in CMAKE
