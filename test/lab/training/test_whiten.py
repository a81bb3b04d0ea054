# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from sfd2_lab.training.samples import PointSample
from sfd2_lab.training.whiten import whitening
from sfd2_ros.core.errors import ConfigError


def lit_pair(seed: int, points: int = 80) -> PointSample:
    """Return points in two lights: half of 32 directions tell a place, the other half tell mostly the light."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.cat([0.3 * torch.randn(points, 16, generator=generator), torch.zeros(points, 16)], dim=1)
    noise = torch.cat([torch.full((16,), 0.1), torch.full((16,), 0.6)])
    first, second = (F.normalize(place + noise * torch.randn(points, 32, generator=generator), dim=1) for _ in range(2))
    nothing = torch.zeros(0)
    return PointSample(0, first, second, nothing, nothing, nothing, nothing, 100 * (1 - torch.eye(points)))


def share_right(sample: PointSample, linear: torch.Tensor) -> float:
    first, second = (F.normalize(part @ linear.T, dim=1) for part in (sample.first, sample.second))
    return float(((first @ second.T).argmax(1) == torch.arange(len(first))).float().mean())


def test_whitened_descriptors_match_more_of_pairs_that_were_not_used() -> None:
    linear = whitening([lit_pair(seed) for seed in range(6)])
    unseen = lit_pair(99)
    assert share_right(unseen, linear) > share_right(unseen, torch.eye(32)) + 0.2


def test_differences_within_pairs_are_equal_in_all_directions_afterwards() -> None:
    samples = [lit_pair(seed) for seed in range(6)]
    linear = whitening(samples, shrinkage=0.0)
    differences = torch.cat([one.first - one.second for one in samples]) @ linear.T
    within = differences.T @ differences / len(differences)
    torch.testing.assert_close(within / within.diagonal().mean(), torch.eye(32), atol=1e-3, rtol=0)


def test_too_few_points_are_rejected_with_the_option_that_helps() -> None:
    with pytest.raises(ConfigError, match=r"0 points .* at least 1 are needed; take more --pairs"):
        whitening([])
    with pytest.raises(ConfigError, match=r"20 points .* at least 32"):
        whitening([lit_pair(0, points=20)])
