# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ratchets: each sees a planted debt, none sees one where there is none, and the record may only fall."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
RATCHETS = ROOT / "scripts" / "ratchets"

# ratchet: (file, text without the debt, text with one)
PLANTED = {
    "constants without a reason": (
        "sfd2_ros/a.py",
        'A = 3.0\n"""Reason."""\nB = 2  # reason\n# reason\nC = -0.1\nNAMES = ("a", "b")\nIS_ON = True\nlower = 3\n',
        "WINDOW_SIGMA = 3.0\n",
    ),
    "functions of arrays without a shape": (
        "sfd2_ros/b.py",
        'def f(a: NDArray[float]) -> int:\n    """Sum (N, 3)."""\n\n\ndef _g(a: NDArray[float]) -> int: ...\n',
        'def f(points: NDArray[float]) -> int:\n    """Sum points."""\n',
    ),
    "words in pages": (
        "docs/a.md",
        "The frame is rejected; the ground truth is known.\n\n`frames_refused`\n\n    refused\n\n[a](refused.md)\n",
        "The frame is\nrefused.\n",
    ),
    "words in messages": (
        "sfd2_lab/c.py",
        '"""What is refused."""\nKEY = "refused"\nraise ValueError(f"the image {1} is rejected")\n',
        'raise ValueError(f"the image {1} is refused")\n',
    ),
    "words in docstrings": ("sfd2_lab/d.py", '"""What is rejected."""\n', '"""What is refused."""\n'),
    "long pages": ("docs/b.md", "line\n" * 200, "line\n" * 201),
    "pages with several tables of figures": (
        "docs/c.md",
        "| a | b |\n| --- | --- |\n| x | 3 mm |\n\ntext\n\n| a | b |\n| --- | --- |\n| x | words |\n",
        "| a | b |\n| --- | --- |\n| x | 3 mm |\n\ntext\n\n| a | b |\n| --- | --- |\n| x | 4 % |\n",
    ),
    "dependencies": (
        "package.xml",
        "<package><depend>rclpy</depend><test_depend>pytest</test_depend></package>",
        "<package><depend>rclpy</depend><exec_depend>nav2</exec_depend></package>",
    ),
}


@pytest.fixture
def ratchets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the command."""
    monkeypatch.syspath_prepend(RATCHETS)
    spec = importlib.util.spec_from_file_location("ratchets_main", RATCHETS / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project without a debt but one dependency."""
    for folder in ("sfd2_ros", "sfd2_lab", "docs", "launch", "msg", "srv", "config"):
        (tmp_path / folder).mkdir()
    for page in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        (tmp_path / page).write_text("# Title\n")
    (tmp_path / "setup.py").write_text("setup(install_requires=[], extras_require={})\n")
    (tmp_path / "package.xml").write_text("<package><depend>rclpy</depend></package>")
    return tmp_path


def test_every_ratchet_has_a_planted_debt(ratchets: ModuleType) -> None:
    assert set(PLANTED) == set(ratchets.RATCHETS)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_debt_is_counted_and_its_absence_is_not(ratchets: ModuleType, project: Path, name: str) -> None:
    file, good, bad = PLANTED[name]
    (project / file).write_text(good)
    before = list(ratchets.RATCHETS[name](project))
    assert len(before) == (1 if name == "dependencies" else 0), before
    (project / file).write_text(bad)
    after = list(ratchets.RATCHETS[name](project))
    assert len(after) == len(before) + 1
    assert Path(file).name in after[-1]


def test_words_in_interfaces_and_yaml_are_messages(ratchets: ModuleType, project: Path) -> None:
    (project / "msg" / "A.msg").write_text("# Why it was refused.\nstring refused\n")
    (project / "config" / "a.yaml").write_text("# Nobody listens.\nrefused: 1\n")
    found = list(ratchets.RATCHETS["words in messages"](project))
    assert sorted(line.partition(":")[0] for line in found) == ["config/a.yaml", "msg/A.msg"]


def test_the_help_of_a_command_is_a_message_and_no_docstring(ratchets: ModuleType, project: Path) -> None:
    (project / "sfd2_ros" / "e.py").write_text(
        '@click.command()\ndef f() -> None:\n    """Print why it was refused."""\n'
    )
    assert len(list(ratchets.RATCHETS["words in messages"](project))) == 1


def test_a_count_that_rose_or_fell_fails_and_an_equal_one_does_not(ratchets: ModuleType) -> None:
    found = {"words in pages": ["a.md:1: x", "a.md:2: y"]}
    assert ratchets.compare(found, {"words in pages": 2}) == []
    (rose,) = ratchets.compare(found, {"words in pages": 1})
    assert "2, at most 1 are recorded" in rose
    assert "a.md:1: x" in rose
    (fell,) = ratchets.compare(found, {"words in pages": 3})
    assert "--lower" in fell


def test_lowering_the_record_never_raises_a_count(ratchets: ModuleType) -> None:
    found = {"words in pages": ["x"], "long pages": ["y", "z"]}
    assert ratchets.lowered(found, {"words in pages": 5, "long pages": 1}) == {"words in pages": 1, "long pages": 1}


def test_the_record_has_every_ratchet_and_allows_no_long_page(ratchets: ModuleType) -> None:
    recorded = json.loads((RATCHETS / "counts.json").read_text("utf-8"))
    assert list(recorded) == list(ratchets.RATCHETS)
    assert recorded["long pages"] == recorded["words in pages"] == 0
