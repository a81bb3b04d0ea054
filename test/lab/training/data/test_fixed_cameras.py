# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sfd2_lab.training.data.fixed_cameras import AROUND_PX, FixedCamera, FixedCameraSource
from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.pairs import collate
from sfd2_lab.training.data.source_config import SourceConfig
from sfd2_lab.training.data.sources import open_source
from sfd2_lab.training.teachers.corners import CornerConfig
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.semantics import load_stability_table

CONFIG = SourceConfig(kind="fixed_cameras", folder=".", overlay="overlay.png")
LASTING, PAINTED, BY_DAY = (60.0, 40.0), (20.0, 15.0), (90.0, 70.0)


def corners_of(image: torch.Tensor) -> torch.Tensor:
    """Return the corners that the drawn frames have: by night one is missing."""
    places = [LASTING, PAINTED] + ([BY_DAY] if image.float().mean() > 80 else [])
    return torch.tensor([[x, y, 0.8] for x, y in places])


@pytest.fixture
def camera_folder(tmp_path: Path) -> Path:
    """Return two cameras of a textured wall by day and by night, one with an overlay and a car by day."""
    rng = np.random.default_rng(0)
    wall = rng.integers(20, 250, (24, 32, 1)).repeat(3, 2).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(4):
            cv2.imwrite(str(tmp_path / name / f"day_{index}.png"), wall)
            cv2.imwrite(str(tmp_path / name / f"night_{index}.png"), (wall * 0.4).astype(np.uint8))
        cv2.imwrite(str(tmp_path / name / "dusk_0.png"), (wall * 0.7).astype(np.uint8))
    with_car = wall.copy()
    with_car[40:70, 70:110] = rng.integers(0, 255, (6, 8, 3)).repeat(5, 0).repeat(5, 1)
    cv2.imwrite(str(tmp_path / "a" / "day_1.png"), with_car)
    overlay = np.zeros((96, 128), np.uint8)
    overlay[5:25, 5:40] = 255
    cv2.imwrite(str(tmp_path / "a" / "overlay.png"), overlay)
    return tmp_path


def test_corners_last_by_day_and_night_and_none_lie_on_the_overlay(camera_folder: Path) -> None:
    camera = FixedCamera(camera_folder / "a", CONFIG, corners_of)
    assert "overlay.png" not in camera.names
    assert camera.view(0).corners.tolist() == [[*LASTING, 1.0]]
    without = FixedCamera(camera_folder / "b", CONFIG, corners_of).view(0)
    assert sorted(without.corners[:, 0].tolist()) == [PAINTED[0], LASTING[0]]
    assert without.ignored is None


def test_what_moves_is_unstable_and_what_stays_around_lasting_corners_is_stable(camera_folder: Path) -> None:
    camera = FixedCamera(camera_folder / "a", CONFIG, corners_of)
    car, night, dusk = (camera.view(camera.names.index(name)) for name in ("day_1.png", "night_0.png", "dusk_0.png"))
    assert (car.classes[45:65, 75:105] == 0).float().mean() > 0.5
    x, y = (int(value) for value in LASTING)
    assert night.classes[y, x] == 2
    assert not (night.classes == 0).any()
    assert (dusk.classes == 255).all()  # no median of its light to compare with


def test_descriptors_are_compared_around_lasting_corners_where_nothing_moves(camera_folder: Path) -> None:
    camera = FixedCamera(camera_folder / "a", CONFIG, corners_of)
    flow = camera.flow(camera.names.index("day_1.png"), camera.names.index("night_0.png"))
    y, x = torch.nonzero(flow.visible, as_tuple=True)
    assert len(x)
    assert (x - LASTING[0]).abs().max() <= AROUND_PX
    assert (y - LASTING[1]).abs().max() <= AROUND_PX
    assert flow.target[40, 60].tolist() == [60.0, 40.0]
    assert not flow.visible[camera.view(camera.names.index("day_1.png")).classes == 0].any()


def test_no_loss_sees_the_overlay(camera_folder: Path) -> None:
    source = FixedCameraSource([FixedCamera(camera_folder / "a", CONFIG, corners_of)], WarpConfig(1.0, 0.0, 0.0, 0.0))
    seen = 0
    for seed in range(6):
        pair = source.pair(torch.Generator().manual_seed(seed), 64)
        batch = collate([pair], 64, torch.device("cpu"))
        left, top = pair.view_from_crop[0][:2, 2].round().long().tolist()
        painted = torch.zeros(96, 128, dtype=torch.bool)
        painted[5:25, 5:40] = True
        expected = painted[top : top + 64, left : left + 64]
        assert not batch.valid[0][expected].any()
        assert not batch.matched[0][expected[1::4, 1::4]].any()
        seen += int(expected.any())
    assert seen


def test_most_pairs_are_of_two_lights(camera_folder: Path) -> None:
    camera = FixedCamera(camera_folder / "b", CONFIG, corners_of)
    source = FixedCameraSource([camera], WarpConfig())
    lights = []
    for seed in range(60):
        views = source.pair(torch.Generator().manual_seed(seed), 64).views
        indices = [next(i for i in range(len(camera.names)) if camera.view(i) is view) for view in views]
        lights.append(len({camera.lights[i] for i in indices}) == 2)
    assert 0.6 < np.mean(lights) < 0.9


def test_cameras_can_be_left_out_and_a_missing_light_is_an_error(camera_folder: Path) -> None:
    def opened(config: SourceConfig) -> FixedCameraSource:
        table, corners = load_stability_table(), CornerConfig(warps=1)
        found = open_source(
            config, camera_folder, table=table, corners=corners, warp=WarpConfig(), device=torch.device("cpu")
        )
        assert isinstance(found, FixedCameraSource)
        return found

    named = dataclasses.replace(CONFIG, folder=".")
    assert [camera.folder.name for camera in opened(named).cameras] == ["a", "b"]
    assert [camera.folder.name for camera in opened(dataclasses.replace(named, without=("a",))).cameras] == ["b"]
    with pytest.raises(ConfigError, match="no folders"):
        opened(dataclasses.replace(named, without=("a", "b")))
    with pytest.raises(SceneError, match=r"no frames snow_\*"):
        opened(dataclasses.replace(named, lights=("day", "snow")))


def test_frames_and_overlays_of_another_size_are_refused(camera_folder: Path) -> None:
    cv2.imwrite(str(camera_folder / "a" / "overlay.png"), np.zeros((10, 10), np.uint8))
    with pytest.raises(SceneError, match="overlay"):
        FixedCamera(camera_folder / "a", CONFIG, corners_of).view(0)
    cv2.imwrite(str(camera_folder / "b" / "day_2.png"), np.zeros((90, 128, 3), np.uint8))
    with pytest.raises(SceneError, match="sizes"):
        FixedCamera(camera_folder / "b", CONFIG, corners_of).view(0)
    cv2.imwrite(str(camera_folder / "b" / "day_2.png"), np.zeros((96, 128, 3), np.uint8))
    cv2.imwrite(str(camera_folder / "b" / "dusk_0.png"), np.zeros((90, 128, 3), np.uint8))
    camera = FixedCamera(camera_folder / "b", CONFIG, corners_of)
    with pytest.raises(SceneError, match=r"dusk_0\.png"):
        camera.view(camera.names.index("dusk_0.png"))
