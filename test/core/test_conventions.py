# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What docs/conventions.md states, run: one test for each statement."""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def _statements() -> dict[str, str]:
    """Return the code below each statement by its heading, that of the page's top in front."""
    top, *parts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    imports = "".join(_BLOCK.findall(top))
    return {part.splitlines()[0].strip(): imports + "".join(_BLOCK.findall(part)) for part in parts}


STATEMENTS = _statements()


def _hold(statement: str) -> None:
    code = STATEMENTS[statement]
    assert code.count("assert ") > 0, f"{statement!r} asserts nothing"
    steps = [doctest.Example(f"{ast.unparse(step)}\n", "") for step in ast.parse(code).body]
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    outcome = runner.run(doctest.DocTest(steps, {}, statement, str(PAGE), 0, None), out=said.append)
    assert outcome.attempted == len(steps)
    assert outcome.failed == 0, "".join(said)


def test_convention_the_pixel_centre_is_at_whole_numbers() -> None:
    _hold("The pixel centre is at whole numbers")


def test_convention_keypoints_are_x_y_and_sizes_are_h_w() -> None:
    _hold("Keypoints are x y and sizes are h w")


def test_convention_colmap_counts_pixels_from_the_corner() -> None:
    _hold("COLMAP counts pixels from the corner")


def test_convention_a_transform_is_named_a_from_b() -> None:
    _hold("A transform is named a from b")


def test_convention_quaternions_are_x_y_z_w() -> None:
    _hold("Quaternions are x y z w")


def test_convention_the_camera_looks_along_z() -> None:
    _hold("The camera looks along z")


def test_convention_covariances_are_x_y_z_then_rotations_about_the_axes_of_the_map() -> None:
    _hold("Covariances are x y z then rotations about the axes of the map")


def test_convention_times_are_whole_nanoseconds() -> None:
    _hold("Times are whole nanoseconds")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_of_the_page_has_a_test_of_its_name(statement: str) -> None:
    name = "test_convention_" + re.sub(r"\W+", "_", statement.lower())
    assert name in globals()


def test_a_statement_that_does_not_hold_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STATEMENTS, "planted", "assert 1 == 2")
    with pytest.raises(AssertionError, match="assert 1 == 2"):
        _hold("planted")
