# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sfd2_lab.training.config import training_config_from
from sfd2_lab.training.data.corner_cache import CornerCache
from sfd2_lab.training.teachers.aliked import AlikedTeacher, load_aliked
from sfd2_lab.training.teachers.corners import CornerConfig
from sfd2_ros.core.errors import ConfigError, DependencyError, WeightsError
from sfd2_ros.features.network import Sfd2Network

CPU = torch.device("cpu")
WEIGHTS = "weights/aliked-n16.pth"


@pytest.fixture(scope="module")
def teacher(shared_dir: Path) -> AlikedTeacher:
    pytest.importorskip("kornia.feature")
    return load_aliked(shared_dir / WEIGHTS, CPU)


def board() -> torch.Tensor:
    """Return a bright rectangle on dark ground, (3, 96, 128) uint8, its corners at (40, 30) and (90, 70)."""
    picture = np.full((96, 128, 3), 40, np.uint8)
    cv2.rectangle(picture, (40, 30), (90, 70), (230, 210, 190), -1)
    return torch.from_numpy(cv2.GaussianBlur(picture, (0, 0), 0.8)).permute(2, 0, 1).contiguous()


@pytest.mark.data
def test_teacher_finds_a_corner_of_a_rectangle_and_none_at_the_edge(
    teacher: AlikedTeacher, shared_dir: Path, tmp_path: Path
) -> None:
    found = teacher.corners(board(), radius_px=3, smallest=0.2)
    strongest = found[found[:, 2].argmax(), :2]
    corners = torch.tensor([[40.0, 30.0], [90.0, 30.0], [40.0, 70.0], [90.0, 70.0]])
    assert (corners - strongest).norm(dim=1).min() <= 2
    assert ((found[:, :2] >= 4) & (found[:, :2] <= torch.tensor([123.0, 91.0]))).all()
    config = CornerConfig(detector="aliked", weights=WEIGHTS, smallest_reliability=0.2)
    cache = CornerCache(tmp_path, config, shared_dir, CPU)
    assert torch.equal(cache(board()), found)
    assert len(list(tmp_path.glob("*.npy"))) == 1


@pytest.mark.data
def test_corner_moves_with_a_picture_that_moves_by_half_a_pixel(teacher: AlikedTeacher) -> None:
    picture = board()[:1].expand(3, -1, -1)
    half = torch.nn.functional.avg_pool2d(picture[None].float(), (1, 2), stride=1)[0].round().to(torch.uint8)
    one, other = (teacher.corners(each, radius_px=3, smallest=0.2) for each in (picture, half))
    distance = torch.cdist(one[:, :2] - torch.tensor([0.5, 0.0]), other[:, :2]).amin(1)
    assert distance[one[:, 2] > 0.5].median() < 0.2


@pytest.mark.data
def test_teacher_describes_a_corner_alike_in_a_moved_picture(teacher: AlikedTeacher) -> None:
    picture = board()[None].float() / 255
    moved = torch.roll(picture, (5, 7), (2, 3))
    corners = torch.tensor([[40.0, 30.0], [90.0, 70.0], [0.0, 0.0]])
    one, other = teacher.describe(torch.cat([picture, moved]), [corners, corners + torch.tensor([7.0, 5.0])])
    similarity = one @ other.T
    assert one.shape == (3, 128)
    assert similarity[0, 0] > 0.9
    assert similarity[1, 1] > 0.9
    assert similarity[0, 1] < similarity[0, 0]


def test_missing_library_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "kornia.feature", None)
    with pytest.raises(DependencyError, match="pip install 'kornia"):
        load_aliked(tmp_path / "none.pth", CPU)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("kornia.feature")
    torch.save(Sfd2Network(32).state_dict(), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="do not fit ALIKED-n16"):
        load_aliked(tmp_path / "other.pth", CPU)


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("loss", {"distillation_weight": 1.0}, "set descriptor_teacher.kind"),
        ("corners", {"detector": "aliked"}, "set corners.weights"),
    ],
)
def test_teachers_that_are_not_named_are_missed(small_config: dict, section: str, values: dict, said: str) -> None:
    small_config.setdefault(section, {}).update(values)
    with pytest.raises(ConfigError, match=said):
        training_config_from(small_config)


def test_descriptors_of_another_length_cannot_be_distilled(small_config: dict) -> None:
    small_config["loss"]["distillation_weight"] = 1.0
    small_config["descriptor_teacher"] = {"kind": "aliked", "weights": WEIGHTS}
    small_config["run"]["dimension"] = 64
    with pytest.raises(ConfigError, match="descriptors have 128"):
        training_config_from(small_config)
