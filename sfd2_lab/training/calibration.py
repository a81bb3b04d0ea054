# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How readily the stability head says "moves", set after training on views that were not trained on.

The head's cross-entropy asks for the likeliest class; what localization wants is that few of the chosen keypoints lie
on what moves, at little cost. A constant added to the logit of that class moves the border between the classes: the
share falls, and some keypoints on what stays are lost. It becomes part of the head's bias: the file stays a plain one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.sources import step_generator
from sfd2_lab.training.validation import PairScore, score_pair
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.weights import build_network, in_half_precision, weights_of_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfd2_lab.training.config import ValidationConfig
    from sfd2_lab.training.data.pairs import PairSource
    from sfd2_ros.features.weights import Weights

_UNSTABLE = 0  # class of the stability head
_STEP = 0.25
_LARGEST = 3.0


def shifted(weights: Weights, shift: float, note: str = "") -> Weights:
    """Return weights whose stability head says "volatile or moves" more readily.

    Args:
        weights: of the network.
        shift: added to that class's logit.
        note: added to what the weights say of their training.
    """
    network = build_network(weights)
    bias = network.stability.bias
    if bias is not None:
        bias.data[_UNSTABLE] += shift
    moved = weights_of_network(network, training=f"{weights.training}{note}", terms=weights.terms)
    is_half = any(value.dtype == torch.float16 for value in weights.entries.values())
    return in_half_precision(moved) if is_half else moved


def calibrate(
    weights: Weights, source: PairSource, config: ValidationConfig, *, target: float
) -> Iterator[tuple[float, PairScore]]:
    """Yield growing shifts with the mean figures of each; the last is the smallest shift that reaches the target.

    Args:
        weights: to calibrate.
        source: of labelled pairs that were not trained on.
        config: how many pairs of which size, and keypoints in a crop.
        target: largest share of keypoints on what is volatile or moves.

    Raises:
        SceneError: nothing is labelled, or no shift reaches the target.
    """
    generator = step_generator(0, 0, 0, purpose=9)
    pairs = [source.pair(generator, config.crop_px) for _ in range(config.pairs)]
    for shift in np.arange(0, _LARGEST + _STEP, _STEP):
        extractor = Extractor(shifted(weights, float(shift)), "cpu", ExtractorConfig(max_keypoints=config.keypoints))
        mean = _mean([score_pair(pair, extractor, config) for pair in pairs])
        yield float(shift), mean
        if np.isnan(mean.unstable):
            raise SceneError(
                f"at a shift of {shift} no keypoint lies on a label; name labelled views, or allow more than {target}"
            )
        if mean.unstable <= target:
            return
    raise SceneError(
        f"{mean.unstable:.3f} of the keypoints move even at a shift of {_LARGEST}; allow more than {target}"
    )


def _mean(scores: list[PairScore]) -> PairScore:
    names = ("repeatability", "matching", "correct", "precision", "unstable")
    rows = np.array([[getattr(score, name) for name in names] for score in scores], dtype=np.float64)
    counts = np.isfinite(rows).sum(0)
    means = np.divide(np.nansum(rows, 0), counts, out=np.full(len(names), np.nan), where=counts > 0)
    return PairScore(*(float(value) for value in means))  # type: ignore[arg-type]
