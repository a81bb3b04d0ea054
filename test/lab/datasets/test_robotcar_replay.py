# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature RobotCar by night, played with three cameras into the real nodes with a map of the day."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.miniatures.robotcar import KIT, SEQUENCES


@pytest.mark.ros
def test_three_cameras_are_replayed_into_the_real_nodes(
    mini: Callable[[str], Path],
    tmp_path: Path,
    sfd2: Callable[..., tuple[int, str, str]],
    skip_without: Callable[[str, str], None],
) -> None:
    try:
        importlib.import_module("sfd2_ros.msg")
    except ImportError as err:
        skip_without("ros", f"ROS cannot be imported ({err}); run `make setup` and use its python")
    root, kit = mini("robotcar"), mini("robotcar") / KIT
    day, night = root / SEQUENCES["overcast"], root / SEQUENCES["night"]
    assert sfd2("robotcar", "to-scene", day, "--sdk", kit, "-o", tmp_path / "day")[0] == 0
    assert sfd2("map", "build", tmp_path / "day", "-o", tmp_path / "map", "--device", "cpu")[0] == 0
    bag = tmp_path / "night.mcap"
    assert sfd2("robotcar", "to-bag", night, "--sdk", kit, "-o", bag, "--compressed")[0] == 0
    figures_path = tmp_path / "figures.json"
    options = ("--rate", "0.1", "--device", "cpu", "--json", figures_path)
    code, out, err = sfd2("robotcar", "replay", bag, tmp_path / "map", "-o", tmp_path / "replay", *options)
    assert code == 0, err
    assert "of 4 instants localized" in out
    figures = json.loads(figures_path.read_text("utf-8"))
    assert figures["cameras"] == ["camera/left", "camera/rear", "camera/right"]
    assert figures["localized"] >= 2
    assert figures["false_accepts"] == 0
    assert (tmp_path / "replay/replay.png").is_file()
    assert len((tmp_path / "replay/poses.txt").read_text("utf-8").splitlines()) == figures["localized"]
