# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from sfd2_lab.training.config import OptimiserConfig
from sfd2_lab.training.optimiser import learning_rate, make_average, make_optimiser, update_average
from sfd2_ros.features.network import Sfd2Network


def test_learning_rate_rises_then_falls_along_half_a_cosine() -> None:
    config = OptimiserConfig(learning_rate=2.0, warmup_steps=10, final_share=0.1)
    assert learning_rate(0, 110, config) == pytest.approx(0.2)
    assert learning_rate(9, 110, config) == pytest.approx(2.0)
    assert learning_rate(10, 110, config) == pytest.approx(2.0)
    assert learning_rate(60, 110, config) == pytest.approx((2.0 + 0.2) / 2)
    assert learning_rate(110, 110, config) == pytest.approx(0.2)


def test_norms_and_biases_do_not_decay() -> None:
    network = Sfd2Network(32)
    decaying, kept = make_optimiser(network, OptimiserConfig()).param_groups
    assert decaying["weight_decay"] > 0
    assert kept["weight_decay"] == 0
    assert len(decaying["params"]) + len(kept["params"]) == len(list(network.parameters()))
    assert all(value.ndim == 1 for value in kept["params"])


def test_average_moves_by_the_share_that_is_not_kept() -> None:
    network = Sfd2Network(32)
    average = make_average(network)
    before = average.stability.weight.clone()
    with torch.no_grad():
        network.stability.weight.add_(1.0)
        network.encoder[0].norm.running_mean.add_(2.0)
    update_average(average, network, step=100000, decay=0.75)
    torch.testing.assert_close(average.stability.weight, before + 0.25)
    torch.testing.assert_close(average.encoder[0].norm.running_mean, torch.full((64,), 0.5))
    update_average(average, network, step=0, decay=0.75)
    torch.testing.assert_close(average.stability.weight, before + 0.25 + 0.9 * 0.75)
