# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.features import load_extractor, models
from sfd2_ros.features.light_network import LightNetwork
from sfd2_ros.features.models import SHIPPED, largest_fast_enough, seconds_an_image, shipped_file_of, weights_for
from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights, weights_of_network, write_weights

if TYPE_CHECKING:
    import numpy as np


@pytest.fixture
def light_file(tmp_path: Path) -> Path:
    torch.manual_seed(2)
    write_weights(tmp_path / "s.safetensors", weights_of_network(LightNetwork(), training="none", terms="open: none"))
    return tmp_path / "s.safetensors"


def test_shipped_files_are_of_the_models_that_they_are_listed_under() -> None:
    assert {model: read_weights(path).architecture.model for model, path in SHIPPED.items()} == {
        model: model for model in SHIPPED
    }


def test_without_a_model_the_file_decides_and_without_both_the_shipped_network(light_file: Path) -> None:
    assert load_extractor(light_file).weights_id.startswith("sfd2-s-64d-")
    assert load_extractor().weights_id == read_weights(SHIPPED_WEIGHTS).weights_id
    assert load_extractor(light_file, model="sfd2-s").dimension == 64
    assert weights_for("sfd2", None).weights_id == read_weights(SHIPPED_WEIGHTS).weights_id


def test_model_without_shipped_weights_needs_a_file() -> None:
    with pytest.raises(WeightsError, match=r"no weights of model 'sfd2-m' ship.*--weights.*take 'sfd2', 'sfd2-s'"):
        load_extractor(model="sfd2-m")


def test_light_network_ships_and_is_found_by_its_name_and_by_its_identity() -> None:
    light = load_extractor(model="sfd2-s")
    assert light.weights_id.startswith("sfd2-s-64d-")
    assert shipped_file_of(light.weights_id) == SHIPPED["sfd2-s"]
    assert SHIPPED["sfd2-s"].stat().st_size < 1_500_000


def test_file_of_another_model_is_rejected(light_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"model is 'sfd2', but weights .* are of 'sfd2-s'"):
        load_extractor(light_file, model="sfd2")


def test_unknown_model_is_rejected() -> None:
    with pytest.raises(ConfigError, match="model 'xxl' is not known"):
        load_extractor(model="xxl")


def test_auto_takes_the_largest_that_runs_at_the_rate_and_the_smallest_when_none_does() -> None:
    makers = [lambda name=name: _Named(name) for name in ("large", "middle", "small")]
    seconds = {"large": 1.0, "middle": 0.4, "small": 0.1}
    timed: list[str] = []

    def seconds_of(extractor: _Named) -> float:
        timed.append(extractor.name)
        return seconds[extractor.name]

    assert [largest_fast_enough(makers, rate, seconds_of).name for rate in (1.0, 2.5, 5.0, 50.0)] == [
        "large",
        "middle",
        "small",
        "small",
    ]
    assert "small" not in timed


def test_auto_takes_the_model_of_the_file_where_one_is_named(light_file: Path) -> None:
    assert load_extractor(light_file, model="auto").weights_id.startswith("sfd2-s-64d-")


def test_auto_times_the_shipped_models(monkeypatch: pytest.MonkeyPatch, light_file: Path) -> None:
    monkeypatch.setattr(models, "SHIPPED", {"sfd2": SHIPPED_WEIGHTS, "sfd2-s": light_file})
    for seconds, prefix in ((0.1, "sfd2-128d-"), (9.0, "sfd2-s-64d-")):
        monkeypatch.setattr(models, "seconds_an_image", lambda _extractor, seconds=seconds: seconds)
        assert load_extractor(model="auto", rate_hz=2.0).weights_id.startswith(prefix)


def test_the_second_of_two_runs_is_timed() -> None:
    ticks = iter([10.0, 10.5])
    extractor = _Named("x")
    assert seconds_an_image(extractor, lambda: next(ticks)) == pytest.approx(0.5)
    assert extractor.shapes == [(480, 640, 3)] * 2


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, image: np.ndarray) -> None:
        self.shapes.append(image.shape)
