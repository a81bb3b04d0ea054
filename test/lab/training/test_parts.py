# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from sfd2_lab.training.assemble import make_trainer
from sfd2_lab.training.config import training_config_from
from sfd2_lab.training.loop import BANK_FOLDER, Ranks, Trainer
from sfd2_lab.training.parts import PARTS, FeatureBank
from sfd2_ros.core.errors import ConfigError, SceneError


@pytest.fixture
def detector_config(small_config: dict) -> dict:
    small_config["run"] |= {"train": "detector", "bank_steps": 2}
    small_config["loss"] |= {"info_nce_weight": 0.0}
    return small_config


def trainer_of(config: dict, data: Path, folder: Path) -> Trainer:
    return make_trainer(training_config_from(config), data, folder, torch.device("cpu"), Ranks())


def test_detector_learns_and_the_rest_stays(detector_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    trainer = trainer_of(detector_config, drawn_data, tmp_path)
    before = copy.deepcopy(trainer.network.state_dict())
    trainer.run()
    changed = {
        name.split(".")[0] for name, value in trainer.network.state_dict().items() if not value.equal(before[name])
    }
    assert changed == set(PARTS["detector"])
    assert len(list((tmp_path / BANK_FOLDER).iterdir())) == 2


def test_heads_learn_descriptors_too(detector_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    detector_config["run"] |= {"train": "heads", "bank_steps": 0}
    detector_config["loss"] |= {"info_nce_weight": 1.0}
    trainer = trainer_of(detector_config, drawn_data, tmp_path)
    before = copy.deepcopy(trainer.network.state_dict())
    figures = trainer.step(0)
    assert figures["info_nce"] > 0
    changed = {
        name.split(".")[0] for name, value in trainer.network.state_dict().items() if not value.equal(before[name])
    }
    assert changed == set(PARTS["heads"])


def test_kept_batch_gives_the_losses_of_the_first_time(detector_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    detector_config["optimiser"] |= {"learning_rate": 0.0, "warmup_steps": 0}
    trainer = trainer_of(detector_config, drawn_data, tmp_path)
    fresh, kept = trainer.step(1), trainer.step(3)
    assert kept["detection"] == pytest.approx(fresh["detection"], rel=1e-2)
    assert kept["stability"] == pytest.approx(fresh["stability"], rel=1e-2)
    assert fresh["total"] != trainer.step(0)["total"]


def test_damaged_bank_is_named(detector_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    trainer = trainer_of(detector_config, drawn_data, tmp_path)
    trainer.step(0)
    path = next((tmp_path / BANK_FOLDER).iterdir())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SceneError, match="made again"):
        trainer.step(0)
    assert FeatureBank(tmp_path, 3).index(7) == 1


def test_contradictions_are_refused(detector_config: dict) -> None:
    detector_config["loss"] |= {"info_nce_weight": 1.0}
    with pytest.raises(ConfigError, match="descriptors have losses"):
        training_config_from(detector_config)
    detector_config["run"] |= {"train": "all"}
    with pytest.raises(ConfigError, match="bank_steps"):
        training_config_from(detector_config)
