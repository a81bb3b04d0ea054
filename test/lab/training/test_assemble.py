# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from sfd2_lab.training.assemble import initial_network
from sfd2_lab.training.config import training_config_from
from sfd2_lab.training.export import export
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.network import Sfd2Network
from sfd2_ros.features.weights import weights_of_network, write_weights


def test_weights_carry_the_terms_of_their_sources_and_of_what_they_started_from(
    small_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    before = weights_of_network(Sfd2Network(), training="long ago", terms="never sell")
    write_weights(tmp_path / "start.safetensors", before)
    small_config["run"] |= {"terms": "research", "start": "start.safetensors"}
    weights = export(Sfd2Network(), training_config_from(small_config), tmp_path, 7)
    assert weights.terms == "research: drawn; never sell"
    assert "7 steps of 1 pairs on images" in weights.training
    assert "long ago" in weights.training
    write_weights(tmp_path / "start.safetensors", weights)
    assert export(Sfd2Network(), training_config_from(small_config), tmp_path, 8).terms == weights.terms


def test_weights_name_their_teachers(small_config: dict, tmp_path: Path) -> None:
    assert "taught" not in export(Sfd2Network(), training_config_from(small_config), tmp_path, 1).training
    small_config["corners"] = {"detector": "aliked", "weights": "aliked.pth"}
    small_config["loss"]["distillation_weight"] = 1.0
    small_config["descriptor_teacher"] = {"kind": "aliked", "weights": "aliked.pth"}
    training = export(Sfd2Network(), training_config_from(small_config), tmp_path, 1).training
    assert training.endswith(", taught by aliked.pth")


def test_open_run_that_starts_from_closed_weights_is_refused(small_config: dict, tmp_path: Path) -> None:
    write_weights(tmp_path / "start.safetensors", weights_of_network(Sfd2Network(), training="t", terms="never sell"))
    small_config["run"]["start"] = "start.safetensors"
    with pytest.raises(ConfigError, match="terms are 'never sell'"):
        initial_network(training_config_from(small_config), tmp_path)
    write_weights(tmp_path / "start.safetensors", weights_of_network(Sfd2Network(), training="t", terms="open: drawn"))
    assert initial_network(training_config_from(small_config), tmp_path).dimension == 128


def test_start_of_another_dimension_is_refused(small_config: dict, tmp_path: Path) -> None:
    write_weights(tmp_path / "start.safetensors", weights_of_network(Sfd2Network(64), training="t", terms="open: a"))
    small_config["run"]["start"] = "start.safetensors"
    with pytest.raises(ConfigError, match="start from have 64"):
        initial_network(training_config_from(small_config), tmp_path)


@pytest.mark.parametrize("start", ["", "start.safetensors"])
def test_brightness_of_the_run_goes_into_the_weights(start: str, small_config: dict, tmp_path: Path) -> None:
    write_weights(tmp_path / "start.safetensors", weights_of_network(Sfd2Network(), training="t", terms="open: drawn"))
    small_config["run"] |= {"start": start, "brightness": 0.5, "dimension": 128}
    config = training_config_from(small_config)
    assert export(initial_network(config, tmp_path), config, tmp_path, 1).brightness == 0.5


def test_brightness_of_the_weights_to_start_from_is_not_dropped_silently(small_config: dict, tmp_path: Path) -> None:
    bright = weights_of_network(Sfd2Network(brightness=0.4), training="t", terms="open: drawn")
    write_weights(tmp_path / "start.safetensors", bright)
    small_config["run"] |= {"start": "start.safetensors", "dimension": 128}
    with pytest.raises(ConfigError, match=r"run.brightness is 0.0, the weights to start from have 0.4"):
        initial_network(training_config_from(small_config), tmp_path)


def test_random_start_is_decided_by_the_seed(small_config: dict, tmp_path: Path) -> None:
    one, same = (initial_network(training_config_from(small_config), tmp_path) for _ in range(2))
    small_config["run"]["seed"] = 1
    other = initial_network(training_config_from(small_config), tmp_path)
    assert one.stability.weight.equal(same.stability.weight)
    assert not one.stability.weight.equal(other.stability.weight)
