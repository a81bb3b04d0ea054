# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One set of weights from several that were trained on from each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.weights import identify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.features.weights import Weights


def average(several: Sequence[Weights]) -> Weights:
    """Return the mean of weights, entry by entry, in float32.

    Networks that went on from the same start lie in one valley of the loss, and their mean holds where each alone has
    gone its own way: often better on images unlike those of the training, and no slower (Wortsman et al., Model soups,
    ICML 2022, section 3.1, the uniform soup). Means of networks without a common start compute nothing of use.

    Args:
        several: two or more, of one model, one descriptor dimension and one brightness.

    Raises:
        WeightsError: there are fewer than two, or they do not fit together.
    """
    if len(several) < 2:
        raise WeightsError(f"{len(several)} set(s) of weights given; a mean needs two or more")
    _check_alike("model", [weights.architecture.model for weights in several])
    _check_alike("descriptor dimension", [weights.dimension for weights in several])
    _check_alike("brightness", [weights.brightness for weights in several])
    entries = {name: _mean([weights.entries[name] for weights in several]) for name in several[0].entries}
    return replace(
        several[0],
        entries=entries,
        weights_id=identify(entries, several[0].brightness, several[0].architecture),
        training=f"mean of {'; and '.join(f'{weights.weights_id} ({weights.training})' for weights in several)}",
        terms=_terms_of_all(several),
    )


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    if not tensors[0].is_floating_point():  # the counter of training steps
        return tensors[0]
    return torch.stack([tensor.float() for tensor in tensors]).mean(dim=0)


def _check_alike(what: str, values: Sequence[float | str]) -> None:
    if len(set(values)) > 1:
        raise WeightsError(f"the weights differ in {what}: {', '.join(map(str, values))}; only like ones have a mean")


def _terms_of_all(several: Sequence[Weights]) -> str:
    """Join the terms, bound ones first: what starts with "open" has to be open as a whole."""
    terms = {weights.terms: None for weights in several}
    return "; and ".join(sorted(terms, key=lambda words: words.startswith("open")))
