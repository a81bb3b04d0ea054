# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map info --plan` and `sfd2 map view`."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera
from sfd2_ros.mapping.plan import SESSION_COLOURS
from sfd2_ros.ros.map_recording import frustum_lines, session_colour
from sfd2_ros.tools.main import main

if TYPE_CHECKING:
    from conftest import RandomPlace


def test_info_draws_a_plan(random_place: RandomPlace, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    assert main(["map", "info", str(random_place.map_folder), "--plan", str(plan)]) == 0
    picture = cv2.imread(str(plan))
    assert max(picture.shape[:2]) >= 1600
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--plan", "plan.jpg"], "ends in .png"), (["--plan", "plan.png", "--json", "plan.png"], "name two files")],
)
def test_a_plan_that_cannot_be_written_is_rejected_before_anything_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["map", "info", "there_is_none", *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_view_writes_a_recording_and_never_replaces_one(
    random_place: RandomPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rerun")
    arguments = ["map", "view", str(random_place.map_folder), "--save", str(tmp_path / "map.rrd")]
    assert main(arguments) == 0
    assert re.search(r"\d{3} landmarks, 8 cameras", capsys.readouterr().out)
    assert (tmp_path / "map.rrd").read_bytes()[:4] == b"RRF2"
    assert (tmp_path / "map.rrd").stat().st_size > 8000
    assert main(arguments) == 1
    assert "exists already" in capsys.readouterr().err


def test_view_without_rerun_says_what_to_install_and_leaves_no_file(
    random_place: RandomPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.import_module

    def without_rerun(name: str, package: str | None = None) -> object:
        if name.startswith("rerun"):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without_rerun)
    assert main(["map", "view", str(random_place.map_folder), "--save", str(tmp_path / "map.rrd")]) == 1
    assert "pip install 'rerun-sdk>=0.41,<0.42'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_outline_of_a_camera_ends_at_its_corners() -> None:
    camera = Camera(101, 51, 100.0, 100.0, 50.0, 25.0)
    lines = frustum_lines(rigid(np.eye(3), (1.0, 2.0, 3.0)), camera, 2.0)
    assert lines.shape == (8, 2, 3)
    np.testing.assert_allclose(lines[:4, 0], np.tile((1.0, 2.0, 3.0), (4, 1)))
    np.testing.assert_allclose(lines[:4, 1] - (1, 2, 3), [(-1, -0.5, 2), (1, -0.5, 2), (1, 0.5, 2), (-1, 0.5, 2)])


@pytest.mark.parametrize("session", range(len(SESSION_COLOURS)))
def test_the_colour_of_a_session_is_seen_on_the_dark_and_on_the_light_ground_of_the_viewer(session: int) -> None:
    brightness = np.array(session_colour(session)) @ (0.2126, 0.7152, 0.0722)
    assert 50 < brightness < 205
