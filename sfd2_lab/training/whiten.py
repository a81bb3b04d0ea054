# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whitened descriptors: directions in which one place differs from image to image count less.

Descriptors of the same place under other light differ more in some directions than in others. With W, the covariance of
these differences over true pairs, the map W^(-1/2) makes them equal in all directions, so that the cosine of two
descriptors weighs each direction by its evidence. The map is linear and is folded into the last convolution
(`shorten.with_projection`): the network costs what it cost before, and nothing else of it changes.

Source: Mikolajczyk and Matas, "Improving descriptors for fast tree matching by optimal linear projection", ICCV 2007,
section 3 (without its second step, the reduction of dimensions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_lab.training.shorten import describe_pairs, with_projection
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_lab.training.data.pairs import PairSource
    from sfd2_lab.training.samples import PointSample
    from sfd2_ros.features.weights import Weights

SHRINKAGE = 0.1
"""Share of the mean variance that is added to each direction's. From 0.01 to 0.5 pairs that were not used gave the same
within 1 %; larger values gain less (docs/reports/2026-11-28-training.md)."""
_SEED = 11
"""Of the choice of pairs; not tuned."""


def whiten(
    weights: Weights,
    sources: Sequence[tuple[PairSource, float]],
    *,
    terms: str,
    pairs: int = 440,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Weights:
    """Return weights whose descriptors are whitened by the differences within true pairs.

    Args:
        weights: to start from; the length of the descriptor stays.
        sources: of pairs with true correspondence, and their shares.
        terms: of the result, which must cover those of the weights and of the sources.
        pairs: of images.
        progress: called with done, total.

    Raises:
        ConfigError: too few points are seen in both images of the pairs.
    """
    whole = sum(share for _, share in sources)
    counts = [max(1, round(pairs * share / whole)) for _, share in sources]
    samples: list[PointSample] = []
    for number, ((source, _), count) in enumerate(zip(sources, counts, strict=True)):
        progress(sum(counts[:number]), sum(counts))
        samples += describe_pairs(weights, source, count, first_seed=_SEED)
    progress(sum(counts), sum(counts))
    return with_projection(weights, whitening(samples), change="whitened", terms=terms)


def whitening(samples: Sequence[PointSample], shrinkage: float = SHRINKAGE) -> torch.Tensor:
    """Return the (D, D) symmetric float32 map W^(-1/2), scaled to a mean eigenvalue of 1.

    Args:
        samples: corresponding points with (N, D) descriptors.
        shrinkage: share of the mean variance that is added to each direction's.

    Raises:
        ConfigError: there are fewer points than directions.
    """
    count = sum(len(one.first) for one in samples)
    dimension = samples[0].first.shape[1] if samples else 1
    if count < dimension:
        raise ConfigError(
            f"{count} points are seen in both images of the pairs, at least {dimension} are needed; take more --pairs"
        )
    differences = torch.cat([one.first - one.second for one in samples])
    within = differences.double().T @ differences.double() / count
    within += shrinkage * within.trace() / dimension * torch.eye(dimension, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(within)
    result: torch.Tensor = (vectors * (values.rsqrt() / values.rsqrt().mean())) @ vectors.T
    return result.float()
