# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/architecture.md and of the style, as functions of a module's syntax tree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

HEADER = ("# Copyright 2026 The sfd2_ros authors", "# SPDX-License-Identifier: Apache-2.0")

_LOW = {"core"}
_PARTS = _LOW | {"features", "matching", "geometry", "bags"}
_MAP = _PARTS | {"mapping"}
_POSE = _MAP | {"localization"}
_SCORES = _POSE | {"evaluation"}
MAY_IMPORT: dict[str, dict[str, set[str]]] = {
    "sfd2_ros": {
        "core": set(),
        "features": _LOW,
        "matching": _LOW,
        "geometry": _LOW,
        "bags": _LOW | {"features"},
        "mapping": _LOW | {"features", "matching", "geometry"},
        "localization": _LOW | {"features", "matching", "geometry", "mapping"},
        "evaluation": _POSE,
        "ros": _POSE,
        "tools": _SCORES | {"ros"},
    },
    # Of the laboratory's own parts; it may import every part of sfd2_ros, but for `ros`, which `bench` alone needs.
    "sfd2_lab": {
        "simulation": set(),
        "training": set(),
        "reports": set(),
        "datasets": {"simulation"},
        "bench": {"simulation", "reports"},
        "tools": {"simulation", "training", "reports", "datasets", "bench"},
    },
}
MAY_IMPORT_ROS = {"bench", "tools"}
NO_ALGORITHMS = {"ros", "tools", "trials", "demo", "players"}
ROS_PACKAGES = {
    "bond",
    "rclpy",
    "launch",
    "launch_ros",
    "cv_bridge",
    "diagnostic_updater",
    "message_filters",
    "image_transport",
}
ROS_PREFIXES = ("tf2_", "tf_transformations", "rcl_interfaces", "builtin_interfaces", "rosidl", "ament_", "std_srvs")
CLOCKS = {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.sleep"}
CLOCKS |= {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
VAGUE_NAMES = {"utils", "util", "helpers", "misc", "common"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{name.name}" for name in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with its dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def package_of(path: PurePosixPath) -> str | None:
    """Return the package that a module belongs to; None outside both."""
    return path.parts[0] if path.parts[0] in MAY_IMPORT else None


def part_of(path: PurePosixPath) -> str | None:
    """Return the part of its package that a module belongs to, such as `mapping`; None outside both packages."""
    return path.parts[1] if package_of(path) and len(path.parts) > 2 else None


def is_algorithm(path: PurePosixPath) -> bool:
    """Return whether a module holds algorithms: no node, no command, no process."""
    return part_of(path) is not None and not NO_ALGORITHMS & set(path.parts[1:-1])


def is_ros(name: str) -> bool:
    """Return whether an import is of ROS or of messages, ours included."""
    top = name.partition(".")[0]
    generated = name.startswith(("sfd2_ros.msg", "sfd2_ros.srv"))
    return top in ROS_PACKAGES or top.endswith("_msgs") or top.startswith(ROS_PREFIXES) or generated


def direction(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """A part imports only the parts below it."""
    package, part = package_of(path), part_of(path)
    for name in imports(tree) if package and part else ():
        if name.startswith("."):
            yield f"relative import {name}"
        other_package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if (
            other_package not in MAY_IMPORT
            or other not in MAY_IMPORT[other_package]
            or (other_package, other) == (package, part)
        ):
            continue
        if other_package == package:
            allowed = MAY_IMPORT[package].get(part, set())
        else:
            allowed = (
                set(MAY_IMPORT["sfd2_ros"])
                - (set() if part in MAY_IMPORT_ROS else {"ros"})
                - (set() if part == "tools" else {"tools"})
            )
        if other not in allowed:
            yield f"{part} imports {name}"


def robot_without_laboratory(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """What a robot runs never imports the laboratory; `tools/lazy_group.py` alone looks whether it is installed."""
    for name in imports(tree) if path.parts[0] in {"sfd2_ros", "launch"} else ():
        if name.partition(".")[0] == "sfd2_lab":
            yield f"imports {name}"


def known_part(path: PurePosixPath, _: ast.Module, __: str) -> Iterator[str]:
    """Every folder of the package has its place in the order."""
    package, part = package_of(path), part_of(path)
    if package and part and part not in MAY_IMPORT[package]:
        yield f"{part} has no place in the order of docs/architecture.md"


def numpy_only_core(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """Core needs numpy and the standard library only."""
    for name in imports(tree) if path.parts[:2] == ("sfd2_ros", "core") else ():
        if name.split(".")[0] not in {*sys.stdlib_module_names, "numpy", "sfd2_ros"}:
            yield f"core imports {name}"


def ros_at_home(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """Only sfd2_ros/ros, and the players of the laboratory, import ROS and messages."""
    at_home = path.parts[:2] == ("sfd2_ros", "ros") or path.parts[:3] == ("sfd2_lab", "bench", "players")
    for name in imports(tree) if package_of(path) and not at_home else ():
        if is_ros(name):
            yield f"imports {name}, whose homes are sfd2_ros/ros and sfd2_lab/bench/players"


def pycolmap_at_home(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """Only geometry, mapping and the pose solver import pycolmap."""
    at_home = part_of(path) in {"geometry", "mapping"} or str(path) == "sfd2_ros/localization/pnp.py"
    for name in imports(tree) if package_of(path) and not at_home else ():
        if name.split(".")[0] == "pycolmap":
            yield f"imports {name}, whose home is sfd2_ros/{{geometry,mapping}} and sfd2_ros/localization/pnp.py"


def pure_algorithms(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """Algorithms never print, sleep, or ask the clock or the environment."""
    if not is_algorithm(path):
        return
    for name, _call in calls(tree):
        if name == "print":
            yield "prints"
        if ".".join(name.split(".")[-2:]) in CLOCKS:
            yield f"asks the clock: {name}"
    for name in imports(tree):
        if name in CLOCKS:
            yield f"asks the clock: {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
            yield f"asks the environment: {ast.unparse(node)}"


def nothing_executed(path: PurePosixPath, tree: ast.Module, _: str) -> Iterator[str]:
    """No file that is read can run code; tests make such files, to see them refused."""
    for name in imports(tree) if path.parts[0] != "test" else ():
        if name.split(".")[0] in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}:
            yield f"imports {name}"
    for name, call in calls(tree):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name == "torch.load" and keywords.get("weights_only") != "True":
            yield "torch.load without weights_only=True"
        if keywords.get("allow_pickle", "False") != "False" or keywords.get("shell", "False") != "False":
            yield f"{name} with allow_pickle or shell"
        if name in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system"}:
            yield f"calls {name}"


def small(_: PurePosixPath, tree: ast.Module, source: str) -> Iterator[str]:
    """Files have at most 300 lines, functions at most 40 lines of body."""
    if len(source.splitlines()) > 300:
        yield f"{len(source.splitlines())} lines, at most 300"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > 40:
                yield f"function {node.name} has {lines} lines, at most 40"


def headed(_: PurePosixPath, __: ast.Module, source: str) -> Iterator[str]:
    """The first two lines, after that of the interpreter, say whose this is and under which licence."""
    lines = [line for line in source.splitlines()[:3] if not line.startswith("#!")]
    if tuple(lines[:2]) != HEADER:
        yield "lacks the two header lines"


def named(path: PurePosixPath, _: ast.Module, __: str) -> Iterator[str]:
    """A file is named after what it holds, and leaves the names of generated packages free."""
    if path.stem in VAGUE_NAMES:
        yield f"{path.name} says nothing of what it holds"
    if package_of(path) and path.parts[1].removesuffix(".py") in {"msg", "srv", "action"}:
        yield f"sfd2_ros.{path.parts[1]} is for generated code"


Rule = Callable[[PurePosixPath, ast.Module, str], Iterator[str]]
RULES: tuple[Rule, ...] = (
    direction, robot_without_laboratory, known_part, numpy_only_core, ros_at_home, pycolmap_at_home, pure_algorithms,
    nothing_executed, small, headed, named,
)  # fmt: skip
