# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pages: links lead somewhere, and commands, options, files, settings and launch arguments exist."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from sfd2_ros.features import ExtractorConfig
from sfd2_ros.localization import FusionConfig, LocalizerConfig, MotionConfig, TrackerConfig
from sfd2_ros.tools.main import cli

ROOT = Path(__file__).resolve().parent.parent
MANUAL = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(ROOT.glob("docs/*.md"))
REPORTS = sorted(ROOT.glob("docs/reports/*.md"))
SETTINGS = {
    "extractor": ExtractorConfig,
    "localizer": LocalizerConfig,
    "tracker": TrackerConfig,
    "motion": MotionConfig,
    "fusion": FusionConfig,
}
FOLDERS = ("docs", "sfd2_ros", "sfd2_lab", "test", "config", "scripts", "launch", "msg", "srv", "ros_standins", ".ci")
# In pages of the architecture, modules are named below their package.
BASES = (ROOT, ROOT / "sfd2_ros", ROOT / "sfd2_lab", ROOT / "test" / "ros" / "nodes")
MESSAGES = {f"sfd2_ros/{path.stem}" for folder in ("msg", "srv") for path in (ROOT / folder).iterdir()}
COMMON_ARGUMENTS = ROOT / "sfd2_ros" / "ros" / "launching.py"
MAKE_TARGETS = re.compile(r"^([\w-]+):", re.MULTILINE)


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Yield the relative links of a page that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:")):
            continue
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            yield target


def code_of(text: str) -> list[str]:
    """Return the lines of code and the code spans of a page, continued lines joined and comments cut off."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", text)
    return [re.sub(r"\s+#.*$", "", line) for line in [*blocks, *spans]]


def unknown_commands(text: str) -> Iterator[str]:
    """Yield the `sfd2 ...` of a page that name a command or an option that does not exist."""
    for line in code_of(text):
        for call in re.findall(r"(?:^|&& |; |scripts/run\.sh |run )sfd2 ([^;&>]+)", line):
            problem = problem_of(cli, call.split())
            if problem:
                yield f"sfd2 {call}: {problem}"


def problem_of(command: click.Command, words: list[str]) -> str | None:
    """Return what is wrong with the words after a command, or None; `a|b` are two commands of a group."""
    if isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z|-]*", words[0]):
        commands = {name: command.get_command(click.Context(command), name) for name in words[0].split("|")}
        problems = [problem_of(one, words[1:]) if one else f"no command {name!r}" for name, one in commands.items()]
        return next((problem for problem in problems if problem), None)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    options = [word.strip("[],.") for word in words if re.match(r"\[?--?[a-z]", word)]
    unknown = [option for option in options if option not in known]
    return f"no option {', '.join(unknown)}" if unknown else None


def missing_files(text: str) -> Iterator[str]:
    """Yield the files and folders of the repository that a page names and that do not exist."""
    for span in re.findall(r"`([\w./*-]+)`", text):
        first = span.split("/")[0]
        is_ours = "/" in span and (first in FOLDERS or span.endswith(".py")) and span not in MESSAGES
        if is_ours and not any(list(base.glob(span)) for base in BASES):
            yield span


def unknown_settings(text: str) -> Iterator[str]:
    """Yield the parameters of components, such as `localizer.gates.max_jump`, that do not exist."""
    for prefix, path in re.findall(rf"`({'|'.join(SETTINGS)})\.([\w.]+)(?:[:=][^`]*)?`", text):
        if path != "py" and not has_setting(SETTINGS[prefix], path.split(".")):
            yield f"{prefix}.{path}"


def has_setting(config_class: type, path: list[str]) -> bool:
    """Return whether a settings dataclass has a setting, in one of its groups where the path has several parts."""
    group = get_type_hints(config_class).get(path[0])
    return group is not None and (len(path) == 1 or (dataclasses.is_dataclass(group) and has_setting(group, path[1:])))


def launch_arguments(file: Path) -> set[str]:
    """Return the arguments that a launch file declares by name."""
    calls = (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call))
    declared = [call.args[0] for call in calls if ast.unparse(call.func) == "DeclareLaunchArgument"]
    return {argument.value for argument in declared if isinstance(argument, ast.Constant)}


def unknown_launches(text: str) -> Iterator[str]:
    """Yield the `ros2 launch sfd2_ros FILE argument:=...` whose file or argument does not exist."""
    for line in code_of(text):
        for name, rest in re.findall(r"ros2 launch sfd2_ros (\S+)(.*)", line):
            file = ROOT / "launch" / name
            given = set(re.findall(r"(\w+):=", rest))
            if not file.exists() or not given <= launch_arguments(file) | launch_arguments(COMMON_ARGUMENTS):
                yield line


def unknown_targets(text: str) -> Iterator[str]:
    """Yield the `make TARGET` that the Makefile does not have."""
    targets = set(MAKE_TARGETS.findall((ROOT / "Makefile").read_text("utf-8")))
    named = [word for line in code_of(text) for word in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", line)]
    yield from (name for name in named if name not in targets)


CHECKS: dict[str, tuple[Callable[[str], Iterator[str]], str]] = {
    "commands": (unknown_commands, "`sfd2 map biuld SCENE -o MAP`"),
    "options": (unknown_commands, "    sfd2 map build SCENE --outptu MAP"),
    "laboratory commands": (unknown_commands, "`sfd2 bench featuers --json f.json`"),
    "files": (missing_files, "see `sfd2_ros/bench/methods.py`"),
    "settings": (unknown_settings, "set `localizer.gates.max_jmup: 3.0`"),
    "launch arguments": (unknown_launches, "    ros2 launch sfd2_ros localize.launch.py mapp:=MAP"),
    "make targets": (unknown_targets, "`make chekc`"),
}


@pytest.mark.parametrize("page", [*MANUAL, *REPORTS], ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(dead_links(page, page.read_text("utf-8"))) == []


def test_a_dead_link_is_seen() -> None:
    page = ROOT / "README.md"
    assert list(dead_links(page, "[a](docs/gone.md), [b](docs/ros.md#no-such-part), [c](docs/ros.md#tf)")) == [
        "docs/gone.md",
        "docs/ros.md#no-such-part",
    ]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("page", MANUAL, ids=name_of)
def test_what_a_page_names_exists(page: Path, check: str) -> None:
    assert list(CHECKS[check][0](page.read_text("utf-8"))) == []


@pytest.mark.parametrize("check", CHECKS)
def test_what_does_not_exist_is_seen(check: str) -> None:
    find, planted = CHECKS[check]
    assert len(list(find(planted))) == 1


def test_every_manual_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [name_of(page) for page in MANUAL[1:] if f"({name_of(page)}" not in text] == []


def test_every_report_is_linked_from_a_manual_page() -> None:
    text = "".join(page.read_text("utf-8") for page in MANUAL)
    assert REPORTS
    assert [report.name for report in REPORTS if f"reports/{report.name}" not in text] == []


def test_readme_quotes_the_figures_of_the_results_page() -> None:
    results = (ROOT / "docs" / "results.md").read_text("utf-8").splitlines()
    rows = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if re.match(r"\|.*\d mm", line)]
    assert len(rows) >= 2
    assert [row for row in rows if row not in results] == []


@pytest.mark.parametrize("page", MANUAL, ids=name_of)
def test_python_of_a_page_imports_what_exists(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []
