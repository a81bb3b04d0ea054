# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses against the answers of a trained network, at every cell of the outputs.

    L_det = mean_cells KL(q || p),   L_sta = mean_cells KL(q || p),   L_des = sum_c w_c (1 - d_c . t_c) / sum_c w_c,

q and p the probabilities of the trained network and of the one that learns, t and d their descriptors. The weight of
a cell is w_c = 0.1 + the highest detection probability that the trained network gives to one of its pixels: most
descriptors are never used. KL: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.answers import cells_that_count
from sfd2_ros.features.network import CELL_PX, DESCRIPTOR_STRIDE_PX

if TYPE_CHECKING:
    import torch

    from sfd2_lab.training.answers import Answers
    from sfd2_ros.features.network import NetworkOutput

_WEIGHT_ANYWHERE = 0.1  # beside 1 for a certain corner; not tuned
_SMALLEST = 1e-8  # half precision keeps no smaller probability


def answered_losses(output: NetworkOutput, answers: Answers) -> dict[str, torch.Tensor]:
    """Return the three losses, each a scalar, zero where nothing counts.

    Args:
        output: of the network that learns, for (B, 3, S, S) changed crops.
        answers: of the trained network, for the clean crops.
    """
    counts = answers.counts.float()
    weight = counts * (_WEIGHT_ANYWHERE + _highest(answers.detection))
    apart = 1 - (output.descriptors * answers.descriptors).sum(1)
    return {
        "answered_detection": _divergence(
            output.detection_logits, answers.detection, cells_that_count(answers).float()
        ),
        "answered_stability": _divergence(output.stability_logits, answers.stability, counts),
        "answered_description": (apart * weight).sum() / weight.sum().clamp(min=1),
    }


def _divergence(logits: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return KL(wanted || softmax of logits) over the channels, averaged with weights (B, h, w)."""
    each = (wanted * (wanted.clamp(min=_SMALLEST).log() - F.log_softmax(logits.float(), dim=1))).sum(1)
    return (each * weight).sum() / weight.sum().clamp(min=1)


def _highest(detection: torch.Tensor) -> torch.Tensor:
    """Return (B, 2h, 2w), the highest probability of the pixels of each descriptor cell; detection is (B, 65, h, w)."""
    pixels = F.pixel_shuffle(detection[:, :-1], CELL_PX)
    return F.max_pool2d(pixels, DESCRIPTOR_STRIDE_PX)[:, 0]
