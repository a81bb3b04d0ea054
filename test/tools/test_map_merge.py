# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map merge` from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def evening(painted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a map of other images of the painted scene."""
    from sfd2_ros.tools.main import main  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("evening")
    (folder / "list.txt").write_text("1.png\n2.png\n4.png\n5.png\n")
    options = ["--list", str(folder / "list.txt"), "--device", "cpu"]
    assert main(["map", "build", str(painted), "-o", str(folder / "map"), *options]) == 0
    return folder / "map"


def test_a_session_is_added_to_a_map(sfd2: Run, painted_map: Path, evening: Path, tmp_path: Path) -> None:
    ran = sfd2("map", "merge", painted_map, evening, "-o", tmp_path / "m", "--json", tmp_path / "f.json")
    said = ran.succeeded()
    assert "4 of 4 images localized" in said
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["images_given"], figures["images"]) == (8, 5)
    assert figures["same_points"] > 0.3 * figures["landmarks"]
    assert figures["alignments"][0]["agreeing"] == 4
    assert "valid" in sfd2("map", "check", tmp_path / "m").succeeded()
    assert "images  5" in sfd2("map", "info", tmp_path / "m").succeeded()


def test_a_merged_map_keeps_everything_when_it_may_grow(
    sfd2: Run, painted_map: Path, evening: Path, tmp_path: Path
) -> None:
    options = ("--same-frame", "--max-growth", "2", "--json", tmp_path / "f.json")
    sfd2("map", "merge", painted_map, evening, "-o", tmp_path / "m", *options).succeeded()
    assert json.loads((tmp_path / "f.json").read_text())["images"] == 8


def test_the_same_frame_is_taken_at_its_word(sfd2: Run, painted_map: Path, evening: Path, tmp_path: Path) -> None:
    said = sfd2("map", "merge", painted_map, evening, "-o", tmp_path / "m", "--same-frame").succeeded()
    assert "localized" not in said
    sfd2("map", "merge", painted_map, evening, "-o", tmp_path / "m").refused(1, "exists")
    sfd2("map", "merge", painted_map, tmp_path / "no", "-o", tmp_path / "n").refused(1, "does not exist")
