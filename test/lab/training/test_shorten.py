# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.photographs import PhotographSource, find_photographs
from sfd2_lab.training.samples import PointSample
from sfd2_lab.training.shorten import (
    describe_pairs,
    learn_projection,
    principal_directions,
    projection_loss,
    shorten,
    with_projection,
)
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.network import Sfd2Network
from sfd2_ros.features.weights import Weights, build_network, in_half_precision, weights_of_network


def random_weights(dimension: int = 128) -> Weights:
    torch.manual_seed(0)
    return weights_of_network(Sfd2Network(dimension), training="t", terms="open: drawn")


def noisy_pair(seed: int) -> PointSample:
    """Return 60 points: what tells them apart is weak, in 32 of 128 directions; the rest is strong noise."""
    generator = torch.Generator().manual_seed(seed)
    meaning = 0.7 * torch.randn(60, 32, generator=generator)
    noise = torch.randn(2, 60, 96, generator=generator)
    first, second = (F.normalize(torch.cat([meaning, one], dim=1), dim=1) for one in noise)
    nothing = torch.zeros(0)
    return PointSample(0, first, second, nothing, nothing, nothing, nothing, 100 * (1 - torch.eye(60)))


def test_folded_network_gives_the_projected_descriptors() -> None:
    weights, projection = random_weights(), torch.randn(64, 128)
    short = with_projection(weights, projection, change="shortened", terms=weights.terms)
    assert (short.dimension, short.terms) == (64, weights.terms)
    assert weights.weights_id in short.training
    assert short.weights_id.startswith("sfd2-64d-")
    image = torch.rand(1, 3, 32, 40)
    long, found = build_network(weights)(image), build_network(short)(image)
    wanted = F.normalize(torch.einsum("kd,bdhw->bkhw", projection, long.descriptors), dim=1)
    torch.testing.assert_close(found.descriptors, wanted, atol=1e-5, rtol=0)
    assert torch.equal(found.detection_logits, long.detection_logits)
    assert torch.equal(found.stability_logits, long.stability_logits)


def test_float16_weights_stay_float16() -> None:
    short = with_projection(
        in_half_precision(random_weights()), torch.randn(32, 128), change="shortened", terms="open: drawn"
    )
    assert {value.dtype for value in short.entries.values() if value.is_floating_point()} == {torch.float16}


def test_principal_directions_are_orthogonal_and_hold_the_most_energy() -> None:
    samples = [noisy_pair(seed) for seed in range(3)]
    rows = principal_directions(samples, 32)
    torch.testing.assert_close(rows @ rows.T, torch.eye(32), atol=1e-5, rtol=0)
    every = torch.cat([sample.first for sample in samples])
    other = torch.linalg.qr(torch.randn(128, 32)).Q.T
    assert (every @ rows.T).square().sum() > (every @ other.T).square().sum()


def test_learned_projection_finds_what_tells_points_apart_where_energy_misleads() -> None:
    samples = [noisy_pair(seed) for seed in range(8)]
    start = principal_directions(samples, 32)
    learned = learn_projection(samples, start, 300)
    unseen = noisy_pair(99)
    assert projection_loss(unseen, learned) < 0.8 * projection_loss(unseen, start)


def test_lengths_that_are_not_shorter_are_refused() -> None:
    with pytest.raises(ConfigError, match="allowed: 64, 32"):
        shorten(random_weights(), None, 48)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="none, they are the shortest"):
        shorten(random_weights(32), None, 32)  # type: ignore[arg-type]


def test_weights_are_shortened_on_pairs_with_true_correspondence(drawn_data: Path) -> None:

    photographs = find_photographs(drawn_data / "images", None, None)[:2]
    source = PhotographSource(photographs, torch.zeros(0).byte().numpy(), lambda _: torch.zeros(0, 3), WarpConfig())
    short = shorten(random_weights(), source, 64, pairs=1, steps=3)
    again = shorten(random_weights(), source, 64, pairs=1, steps=3)
    assert short.weights_id == again.weights_id
    assert all(sample.first.shape[1] == 64 for sample in describe_pairs(short, source, 1))
