# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sfd2_lab.datasets.traffic_cameras import light_of, read_name, sort_frames
from sfd2_ros.core.errors import SceneError
from sfd2_ros.tools.main import main


def silent(_step: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "camera", "light"),
    [
        ("2702-2021_03_20_074318.jpg", "2702", "day"),
        ("2702-2021_03_20_203058.jpg", "2702", "night"),
        ("camera_4713_2026-01-23_06-50-07.jpg", "4713", "dusk"),
        ("camera_4713_04-44-38.jpg", "4713", "night"),
    ],
)
def test_names_of_both_collections_say_camera_and_light(name: str, camera: str, light: str) -> None:
    frame = read_name(Path("somewhere") / name)
    assert frame is not None
    assert (frame.camera, frame.light) == (camera, light)


def test_other_names_are_no_frames_and_the_clock_goes_round() -> None:
    assert read_name(Path("notes.jpg")) is None
    assert [light_of(hour) for hour in (0.0, 6.5, 7.7, 18.4, 19.0, 23.9)] == [
        "night",
        "dusk",
        "day",
        "day",
        "dusk",
        "night",
    ]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    wall = np.random.default_rng(0).integers(40, 220, (27, 48, 3)).repeat(40, 0).repeat(40, 1).astype(np.uint8)
    (tmp_path / "in" / "2026-01-23").mkdir(parents=True)
    for hour, factor in ((9, 1.0), (12, 0.9), (15, 0.8), (21, 0.2), (22, 0.3), (23, 0.25)):
        for name in (f"camera_4713_2026-01-23_{hour:02d}-00-00", f"camera_9_2026-01-23_{min(hour, 18):02d}-{hour}-00"):
            cv2.imwrite(str(tmp_path / "in" / "2026-01-23" / f"{name}.jpg"), (wall * factor).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "in" / "camera_4713_10-00-00.jpg"), np.zeros((90, 90, 3), np.uint8))
    return tmp_path


def test_frames_are_sorted_reduced_and_get_an_overlay(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "traffic-cameras", str(frames / "in"), "-o", str(frames / "out")]) == 0
    assert [path.name for path in (frames / "out").iterdir()] == ["4713"]  # camera 9 has no night
    names = sorted(path.name for path in (frames / "out" / "4713").iterdir())
    assert [name[:3] for name in names] == ["day"] * 3 + ["nig"] * 3 + ["ove"]  # the one of another size is left out
    assert cv2.imread(str(frames / "out" / "4713" / names[0])).shape == (540, 960, 3)
    assert "3 day, 0 dusk, 3 night" in capsys.readouterr().out
    counts = sort_frames([frames / "in"], frames / "few", silent, most=2)
    assert counts["4713"]["night"] == 2


def test_folder_without_frames_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cat.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(SceneError, match="no frames"):
        sort_frames([tmp_path], tmp_path / "out", silent)
