# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware detection: where keypoints are to be, local reliability times stability.

Two ways of saying it. The paper (equation 1) compares the score S of every pixel with its target,

    L_det = BCE(S, S_rel x S_sta),

S_rel the local reliability and S_sta the stability of what is seen there. The released training instead compares each
8x8 cell's distribution over its 64 pixels and "none", p = softmax(logits), with the target's distribution q,

    L_det = - sum_k q_k log p_k, averaged over the cells.

Source: Xue et al., CVPR 2023, section 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.keypoints import detection_probability
from sfd2_ros.features.network import CELL_PX

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST_PROBABILITY = 1e-6


def semantic_target(reliability: torch.Tensor, stability: torch.Tensor) -> torch.Tensor:
    """Return S_rel x S_sta, (B, H, W) in [0, 1].

    Args:
        reliability: (B, H, W) S_rel in [0, 1].
        stability: (B, H, W) S_sta in [0, 1].
    """
    return reliability * stability


def pixel_loss(logits: torch.Tensor, target: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the paper's binary cross-entropy, averaged over the valid pixels.

    Args:
        logits: (B, 65, H/8, W/8) of the detection head.
        target: (B, H, W) in [0, 1].
        valid: (B, H, W) bool; other pixels do not count.

    Returns:
        A scalar; zero where nothing is valid.
    """
    score = detection_probability(logits).clamp(_SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    each = -(target * score.log() + (1 - target) * torch.log1p(-score))
    return _mean_over(each, valid)


def cell_loss(logits: torch.Tensor, target: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the released training's cross-entropy, averaged over the cells that are valid throughout.

    Args:
        logits: (B, 65, H/8, W/8) of the detection head.
        target: (B, H, W) in [0, 1].
        valid: (B, H, W) bool.

    Returns:
        A scalar; zero where nothing is valid.
    """
    wanted = cell_distribution(target)
    each = -(wanted * F.log_softmax(logits.float(), dim=1)).sum(1)
    return _mean_over(each, F.pixel_unshuffle(valid[:, None].float(), CELL_PX).amin(1) > 0)


def cell_distribution(target: torch.Tensor) -> torch.Tensor:
    """Turn a map of targets into a distribution per cell: 64 pixels, then "none".

    What a cell's pixels leave of one goes to "none"; pixels that sum to more than one share one.

    Args:
        target: (B, H, W) in [0, 1], H and W multiples of 8.

    Returns:
        (B, 65, H/8, W/8), sums of one along the channels.
    """
    pixels = F.pixel_unshuffle(target[:, None], CELL_PX)
    pixels = pixels / pixels.sum(1, keepdim=True).clamp(min=1)
    return torch.cat([pixels, 1 - pixels.sum(1, keepdim=True)], dim=1)


DETECTION_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "pixel": pixel_loss,
    "cell": cell_loss,
}
"""By name: "pixel" is the paper's, "cell" the released training's."""


def _mean_over(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)
