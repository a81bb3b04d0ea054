# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which parts of ROS are here is found out, never guessed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.ros import native

ROOT = Path(__file__).resolve().parents[2]


def test_part_that_is_not_installed_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.FALLBACKS, "part_that_nobody_has", "something else")
    assert native.has("part_that_nobody_has") is False
    assert native.fallback("part_that_nobody_has") == "something else"


def test_part_that_is_installed_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "part_that_works.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(native.FALLBACKS, "part_that_works", "something else")
    assert native.has("part_that_works") is True


def test_folder_that_is_named_like_a_part_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "part_that_is_a_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(native.FALLBACKS, "part_that_is_a_folder", "something else")
    assert native.has("part_that_is_a_folder") is False


def test_part_that_is_broken_is_no_silent_reason_for_a_substitute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "part_that_breaks.py").write_text("raise ImportError('built for numpy 1')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(native.FALLBACKS, "part_that_breaks", "something else")
    with pytest.raises(DependencyError, match=r"part_that_breaks is installed but .* built for numpy 1"):
        native.has("part_that_breaks")


@pytest.mark.parametrize("call", [native.has, native.fallback])
def test_part_without_a_fallback_is_a_mistake(call: object) -> None:
    with pytest.raises(KeyError):
        call("no_part")  # type: ignore[operator]


def test_every_part_that_the_nodes_ask_for_has_a_fallback() -> None:
    assert {"tf2_ros", "launch"} <= set(native.FALLBACKS)
    assert all(native.FALLBACKS.values())


def test_without_ros_the_message_says_what_to_source() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['rclpy'] = None\n"
    code += "from sfd2_ros.ros import native; native.require_ros()"
    run = subprocess.run([sys.executable, "-I", "-c", code, str(ROOT)], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "DependencyError: ROS 2 (rclpy) cannot be imported" in run.stderr
    assert "source .ros/setup.bash" in run.stderr
