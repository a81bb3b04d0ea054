# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag that the simulator wrote of a night is replayed into the real nodes, on a map of the day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_a_drive_by_night_is_localized_on_the_map_of_a_day(extractor: Any, tmp_path: Path) -> None:
    from sfd2_lab.bench.demo.drive_bag import DriveBag
    from sfd2_lab.bench.demo.replay import replay_drive
    from sfd2_lab.simulation import DriveConfig, write_demo_drives
    from sfd2_ros.mapping import MapBuilder
    from sfd2_ros.mapping.scene import load_scene

    day = DriveConfig(seed=0, frames=6, size=(320, 240))
    write_demo_drives(tmp_path / "day", tmp_path / "bag", mapping=day, condition="night", query_frames=3)
    scene = load_scene(tmp_path / "day")
    MapBuilder(extractor).from_poses(scene.select("map.txt"), scene.image_folder, tmp_path / "map")
    drive = DriveBag(tmp_path / "bag")
    assert drive.frame(1).image.mean() < 70  # it is dark
    replay = replay_drive(drive, tmp_path / "map", tmp_path / "logs", device="cpu", on_frame=lambda _: None)
    assert [outcome.status for outcome in replay.outcomes] == ["localized"] * 3
    assert replay.tf_messages == 3
    for outcome in replay.outcomes:
        assert outcome.map_from_base is not None
        assert np.linalg.norm(outcome.map_from_base[:3, 3] - outcome.truth[:3, 3]) < 0.25
