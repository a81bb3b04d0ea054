# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Dependencies that are declared are those that are imported, both ways."""

from __future__ import annotations

import ast
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from support.architecture_rules import is_ros

ROOT = Path(__file__).resolve().parent.parent
OWN = {"sfd2_ros", "sfd2_lab", "support"}
# Import: name on PyPI, where the two differ. The longest match counts.
ON_PYPI = {
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "rosbags.image": "rosbags-image",
    "rerun": "rerun-sdk",
}
# Import: name in package.xml, where the two differ.
IN_ROSDEP = {
    "tf2_ros": "tf2_ros_py",
    "click": "python3-click",
    "cv2": "python3-opencv",
    "h5py": "python3-h5py",
    "numpy": "python3-numpy",
    "rich": "python3-rich",
    "scipy": "python3-scipy",
    "yaml": "python3-yaml",
}
# Declared though nothing imports it: the generated messages need the one, `ros2 launch` is the other.
USED_BY_COMMANDS = {"rosidl_default_runtime", "ros2launch"}
# No rosdep key of these holds on every distribution; docs/install.md says how they are installed.
BY_PIP_ALONE = {"torch", "pycolmap", "pyceres", "safetensors", "rosbags"}
# Types of these are taken from another package that is declared.
COMES_WITH = {"typing_extensions": "torch"}
# A library that is imported by its name at run time, where a user chose it.
BY_NAME = {"kornia", "transformers", "kornia_rs"}


def imports_below(*folders: str) -> set[str]:
    """Return the full names of everything from elsewhere that the modules of folders import."""
    names = {name for folder in folders for path in (ROOT / folder).rglob("*.py") for name in imports_of(path)}
    foreign = {name for name in names if name.partition(".")[0] not in {*sys.stdlib_module_names, *OWN}}
    assert foreign
    return foreign


def imports_of(path: Path) -> Iterator[str]:
    """Yield the names that a module imports, at run time too, and the packages whose nodes a launch file starts."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield from (value.value for value in node.args if isinstance(value, ast.Constant))
        elif isinstance(node, ast.keyword) and node.arg == "package" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def on_pypi(name: str) -> str:
    """Return the project on PyPI that an import is of."""
    known = [prefix for prefix in ON_PYPI if name == prefix or name.startswith(f"{prefix}.")]
    return ON_PYPI[max(known, key=len)] if known else COMES_WITH.get(name, name.partition(".")[0])


def declared_for_pip(*extras: str) -> set[str]:
    """Return the projects that setup.py names: those always installed, or those of extras."""
    source = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    (call,) = (node for node in ast.walk(source) if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if extras:
        by_extra = ast.literal_eval(given["extras_require"])
        texts = [text for extra in extras for text in by_extra[extra]]
    else:
        texts = ast.literal_eval(given["install_requires"])
    return {Requirement(text).name.lower() for text in texts}


def python_libraries(*folders: str) -> set[str]:
    """Return the projects on PyPI that the modules of folders import."""
    return {on_pypi(name).lower() for name in imports_below(*folders) if not is_ros(name) and name != "rviz2"}


def test_setup_py_requires_what_the_robot_package_imports_and_nothing_else() -> None:
    imported = python_libraries("sfd2_ros")
    optional = declared_for_pip("view", "bench", "mapping", "onnx")
    assert imported - optional == declared_for_pip()
    assert optional <= imported


def test_extras_require_what_the_laboratory_imports_and_nothing_else() -> None:
    extras = declared_for_pip("lab", "bench")
    imported = python_libraries("sfd2_lab")
    assert imported - declared_for_pip() - BY_NAME <= extras
    assert extras <= imported | BY_NAME


def test_package_xml_declares_what_is_imported_and_nothing_else() -> None:
    package = ET.parse(ROOT / "package.xml").getroot()  # noqa: S314  our own file
    declared = {node.text or "" for kind in ("depend", "exec_depend") for node in package.findall(kind)}
    tops = {name.partition(".")[0] for name in imports_below("sfd2_ros", "launch")}
    optional = {"rerun", "rviz2", "nav2_msgs", "kornia", "onnx", "onnxruntime"} | BY_PIP_ALONE | set(COMES_WITH)
    imported = {IN_ROSDEP.get(top, top) for top in tops if top not in optional}
    assert imported == declared - USED_BY_COMMANDS - interfaces()


def interfaces() -> set[str]:
    """Return the packages whose messages ours hold; CMakeLists.txt names them, and a test of the package does."""
    texts = [path.read_text("utf-8") for path in [*(ROOT / "msg").iterdir(), *(ROOT / "srv").iterdir()]]
    used = {found for text in texts for found in re.findall(r"^(\w+)/\w+", text, re.MULTILINE)}
    imported = {name.partition(".")[0] for name in imports_below("sfd2_ros")}
    return used - imported


def test_messages_name_the_libraries_of_the_extras_and_their_versions() -> None:
    """The package is on no index, so that `pip install sfd2_ros[extra]` would not find it."""
    source = (ROOT / "setup.py").read_text("utf-8")
    texts = [path.read_text("utf-8") for package in OWN - {"support"} for path in (ROOT / package).rglob("*.py")]
    named = {
        one for text in texts for line in re.findall(r"pip install ('[^\n`\"]+')", text) for one in line.split("'")
    }
    named = {one for one in named if re.match(r"\w", one)}
    assert named
    assert {one for one in named if f'"{one}' not in source} == set()
