# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every parameter, topic, service, status, diagnostic key and launch argument is listed exactly once in the manual."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sfd2_ros.core.types import Status

ROOT = Path(__file__).resolve().parent.parent
NODES = ROOT / "sfd2_ros" / "ros"
ROS_PAGE = (ROOT / "docs" / "ros.md").read_text("utf-8")
STATUS_PAGE = (ROOT / "docs" / "status.md").read_text("utf-8")
YAML = ROOT / "config" / "localize.yaml"
# The name of the image topic is a parameter, so no call has it as a literal.
SET_BY_PARAMETERS = {"<camera>/image_raw", "<camera>/image_raw/compressed"}
# A player publishes the topics of its bag; the view subscribes to topics of the localizer whose name is a parameter.
LISTENERS = {"bag_player.py", "view_node.py"}
# Call: which of its arguments is the name of a topic or service.
PLACE_OF_NAME = {
    "create_publisher": 1,
    "create_subscription": 1,
    "create_service": 1,
    "resolve_topic_name": 0,
    "MatchedSubscription": 2,
}
# Launch file of the table: module that declares its own arguments.
LAUNCH_TABLE = {"localize.launch.py": "launch/localize.launch.py", "features.launch.py": "sfd2_ros/ros/launching.py"}


def interfaces(source: str) -> set[str]:
    """Return the names of topics and services that a module makes; what an f-string fills in is `<camera>`."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    made = ((ast.unparse(call.func).rpartition(".")[2], call.args) for call in calls)
    names = (topic_name(given[PLACE_OF_NAME[name]]) for name, given in made if len(given) > PLACE_OF_NAME.get(name, 99))
    return {name for name in names if name}


def topic_name(argument: ast.expr) -> str | None:
    """Return the name that an argument of a call spells, or None for a variable."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "<camera>" for part in argument.values]
        return "".join(map(str, parts))
    return None


def first_cells(page: str, after: str) -> list[str]:
    """Return the first cells of the table whose header begins with a text."""
    cells = []
    lines = page.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(f"| {after}")), None)
    assert start is not None, f"no table begins with | {after}"
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells.append(line.split("|")[1].strip())
    return cells


def listed_interfaces(page: str) -> list[str]:
    """Return the names in the tables of topics and services of docs/ros.md."""
    tables = ("topic of feature_node", "topic of localizer_node", "topic or service of both")
    return [name for table in tables for cell in first_cells(page, table) for name in re.findall(r"`([^`]+)`", cell)]


def used_interfaces() -> set[str]:
    """Return the topics and services of both nodes, from their source."""
    files = [file for file in NODES.glob("*.py") if file.name not in LISTENERS]
    return set().union(*(interfaces(file.read_text("utf-8")) for file in files)) | SET_BY_PARAMETERS


def test_every_topic_and_service_is_listed_once() -> None:
    listed = Counter(listed_interfaces(ROS_PAGE))
    assert [name for name, count in listed.items() if count > 1] == []
    assert used_interfaces() >= {"~/status", "~/load_map", "<camera>/features", "/tf"}
    assert set(listed) == used_interfaces()


def test_a_topic_that_no_page_lists_is_seen() -> None:
    planted = 'self.create_publisher(Path, "~/secret", qos)\nnode.create_subscription(Image, f"{camera}/mask", f, 1)\n'
    assert interfaces(planted) == {"~/secret", "<camera>/mask"}
    assert not interfaces(planted) & set(listed_interfaces(ROS_PAGE))


def test_every_status_is_listed_once() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", STATUS_PAGE, re.MULTILINE)
    assert Counter(rows) == Counter(status.value for status in Status)


def test_every_parameter_stands_once_in_the_yaml_and_ros_page_links_to_it() -> None:
    names = []
    for node in ast.walk(ast.parse((NODES / "view_node.py").read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == "ViewNodeConfig":
            names = [each.target.id for each in node.body if isinstance(each, ast.AnnAssign)]
    listed = [name for cell in first_cells(ROS_PAGE, "parameter of view_node") for name in re.findall(r"`(\w+)`", cell)]
    assert names
    assert sorted(listed) == sorted(names)
    # test/ros/test_parameters.py compares the file with the settings of both nodes.
    assert "(../config/localize.yaml)" in ROS_PAGE
    assert list(repeated_keys(yaml.compose(YAML.read_text("utf-8")))) == []


def test_a_parameter_that_stands_twice_is_seen() -> None:
    assert list(repeated_keys(yaml.compose("a: {b: 1, c: 2, b: 3}\nd: {b: 1}"))) == ["b"]


def repeated_keys(node: yaml.Node) -> Iterator[str]:
    """Yield the keys that stand twice in one mapping; the YAML library silently takes the last one."""
    if isinstance(node, yaml.MappingNode):
        counts = Counter(key.value for key, _ in node.value)
        yield from (key for key, count in counts.items() if count > 1)
        for _, value in node.value:
            yield from repeated_keys(value)


def test_every_key_of_the_diagnostics_is_listed_once() -> None:
    tree = ast.parse((NODES / "diagnostics.py").read_text("utf-8"))
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    used = {key.value for node in dicts for key in node.keys if isinstance(key, ast.Constant)} | {"refused_<status>"}
    listed = [name for cell in first_cells(ROS_PAGE, "keys") for name in re.findall(r"`([^`]+)`", cell)]
    assert "rate_hz" in used
    assert sorted(listed) == sorted(used)


@pytest.mark.parametrize("name", LAUNCH_TABLE)
def test_every_launch_argument_is_listed(name: str) -> None:
    tree = ast.parse((ROOT / LAUNCH_TABLE[name]).read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    declared = [call.args[0] for call in calls if ast.unparse(call.func) == "DeclareLaunchArgument"]
    row = next(line for line in ROS_PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    listed = re.findall(r"`(\w+)`", row.split("|")[2])
    assert sorted(listed) == sorted(str(argument.value) for argument in declared if isinstance(argument, ast.Constant))
