# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Progress where no terminal is: rare plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.tools.options import FIRST_LINE_S, LINE_EVERY_S, PlainProgress, progress_bar

if TYPE_CHECKING:
    import pytest


def test_a_line_comes_first_after_a_while_and_then_now_and_then() -> None:
    now, lines = 100.0, []
    progress = PlainProgress(lines.append, lambda: now)
    for done in range(1, 101):
        now += 1.0
        progress("extract", done, 100)
    due = [FIRST_LINE_S, FIRST_LINE_S + LINE_EVERY_S, FIRST_LINE_S + 2 * LINE_EVERY_S, FIRST_LINE_S + 3 * LINE_EVERY_S]
    expected = [f"extract: {second:.0f} of 100, {second:.0f} s, about {100 - second:.0f} s left" for second in due]
    assert lines == [*expected[:-1], "extract: 100 of 100, 100 s"]


def test_short_work_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        for done in range(50):
            progress("extract", done, 50)
    assert capfd.readouterr().err == ""


def test_lines_go_to_standard_error(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfd2_ros.tools.options.FIRST_LINE_S", 0.0)
    with progress_bar() as progress:
        progress("match", 3, 7)
        progress("match", 4, 7)
    said = capfd.readouterr()
    assert said.err.splitlines() == ["match: 3 of 7, 0 s"]
    assert said.out == ""
