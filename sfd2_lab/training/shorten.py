# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shorter descriptors from trained weights: a linear map learned on true pairs, folded into the last convolution.

The network's descriptor is y / |y| with y = W x + b, the last 1x1 convolution. For any matrix P (k, D) the direction of
P y / |y| is that of (P W) x + P b, so that a network whose last convolution holds P W and P b gives the descriptors
that P makes: the file is a plain one of length k. P starts as the directions of most energy (uncentred principal
components) and is then trained, all else frozen, with InfoNCE between pictures of the same places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.pairs import collate
from sfd2_lab.training.data.photometric import Photometric, PhotometricConfig
from sfd2_lab.training.data.sources import step_generator
from sfd2_lab.training.losses.info_nce import info_nce_loss
from sfd2_lab.training.samples import sample_points
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.network import DESCRIPTOR_DIMENSIONS
from sfd2_ros.features.weights import build_network, in_half_precision, weights_of_network

if TYPE_CHECKING:
    from sfd2_lab.training.data.pairs import PairSource
    from sfd2_lab.training.samples import PointSample
    from sfd2_ros.features.weights import Weights

_CROP_PX = 256
_POINTS = 400
_NEAR_PX = 8.0
_TEMPERATURE = 0.07
_LEARNING_RATE = 3e-3


def shorten(weights: Weights, source: PairSource, dimension: int, *, pairs: int = 64, steps: int = 400) -> Weights:
    """Return weights whose descriptors have another length.

    Args:
        weights: with longer descriptors.
        source: of pairs with true correspondence; its terms must allow what the weights' terms allow.
        dimension: one of `DESCRIPTOR_DIMENSIONS`, shorter than the weights'.
        pairs: number of pairs to learn from.
        steps: of learning; 0 leaves the principal components.

    Raises:
        ConfigError: a length that is not allowed.
    """
    allowed = [length for length in DESCRIPTOR_DIMENSIONS if length < weights.dimension]
    if dimension not in allowed:
        choices = ", ".join(map(str, allowed)) or "none, they are the shortest"
        raise ConfigError(f"length {dimension} of descriptors from {weights.dimension}; allowed: {choices}")
    samples = describe_pairs(weights, source, pairs)
    projection = learn_projection(samples, principal_directions(samples, dimension), steps)
    return with_projection(weights, projection, change="shortened", terms=weights.terms)


def describe_pairs(weights: Weights, source: PairSource, pairs: int, *, first_seed: int = 0) -> list[PointSample]:
    """Return corresponding points of pairs under changed light, with their descriptors."""
    network, change = build_network(weights), Photometric(PhotometricConfig())
    samples = []
    for index in range(pairs):
        generator = step_generator(first_seed, index, 0, purpose=3)
        batch = collate([source.pair(generator, _CROP_PX)], _CROP_PX, torch.device("cpu"))
        with torch.no_grad():
            output = network(change(batch.images, generator))
        samples += sample_points(output, batch, _POINTS, generator)
    return [sample for sample in samples if len(sample.first) > 1]


def principal_directions(samples: list[PointSample], dimension: int) -> torch.Tensor:
    """Return the (k, D) directions in which the descriptors have most energy, as rows."""
    every = torch.cat([part for sample in samples for part in (sample.first, sample.second)]).double()
    vectors: torch.Tensor = torch.linalg.eigh(every.T @ every).eigenvectors
    return vectors[:, -dimension:].T.flip(0).float()


def learn_projection(samples: list[PointSample], start: torch.Tensor, steps: int) -> torch.Tensor:
    """Train the (k, D) projection; pairs take turns."""
    projection = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([projection], lr=_LEARNING_RATE)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _LEARNING_RATE * (1 - step / steps)
        optimiser.zero_grad()
        projection_loss(samples[step % len(samples)], projection).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return projection.detach()


def projection_loss(sample: PointSample, projection: torch.Tensor) -> torch.Tensor:
    """Return InfoNCE of one pair's projected descriptors."""
    first, second = (F.normalize(part @ projection.T, dim=1) for part in (sample.first, sample.second))
    return info_nce_loss(first @ second.T, sample.distance_px <= _NEAR_PX, temperature=_TEMPERATURE)


def with_projection(weights: Weights, projection: torch.Tensor, *, change: str, terms: str) -> Weights:
    """Return weights whose descriptors are the projected ones: float16 when the given ones are.

    Args:
        weights: to change.
        projection: (k, D).
        change: what the projection does, a participle for the history in the header.
        terms: of the result.
    """
    network = build_network(weights)
    last = network.description.output
    shorter = torch.nn.Conv2d(last.in_channels, len(projection), 1)
    with torch.no_grad():
        for mine, longer in zip(shorter.parameters(), last.parameters(), strict=True):
            mine.copy_((projection @ longer.flatten(1) if longer.ndim > 1 else projection @ longer).view_as(mine))
    network.description.output, network.dimension = shorter, len(projection)
    training = f"{weights.training}; descriptors {change} from {weights.weights_id}"
    short = weights_of_network(network, training=training, terms=terms)
    is_half = any(value.dtype == torch.float16 for value in weights.entries.values())
    return in_half_precision(short) if is_half else short
