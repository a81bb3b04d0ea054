# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW with a rising and falling learning rate, and the average of the weights."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from sfd2_lab.training.config import OptimiserConfig
    from sfd2_ros.features.network import FeatureNetwork


def make_optimiser(network: FeatureNetwork, config: OptimiserConfig) -> torch.optim.AdamW:
    """Return the optimiser; norms and biases do not decay."""
    named = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
    groups = [
        {"params": [value for _, value in named if value.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [value for _, value in named if value.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2))


def learning_rate(step: int, steps: int, config: OptimiserConfig) -> float:
    """Return the learning rate of a step: linear up, then half a cosine down to its final share."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, steps - config.warmup_steps))
    share = config.final_share + (1 - config.final_share) * (1 + math.cos(math.pi * progress)) / 2
    return config.learning_rate * share


def make_average(network: FeatureNetwork) -> FeatureNetwork:
    """Return a copy that will hold the average of the weights."""
    return copy.deepcopy(network).eval().requires_grad_(requires_grad=False)


@torch.no_grad()
def update_average(average: FeatureNetwork, network: FeatureNetwork, step: int, decay: float) -> None:
    """Move the average towards the weights, faster in the first steps; norms' statistics likewise."""
    kept = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - kept)
        else:
            mean.copy_(value)
