# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Feature consistency: the encoder sees what a segmentation network sees.

    L_feat = 1/2 sum over i in {1, 2} of mean |X_i - X_i^teacher|,

X_1, X_2 two middle layers, of as many channels as the teacher's (Xue et al., CVPR 2023, equation 5). Teachers differ in
the scale of their features; `standardise` first gives every channel of both mean 0 and deviation 1 over the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

if TYPE_CHECKING:
    from collections.abc import Sequence


def feature_loss(
    own: Sequence[torch.Tensor], teacher: Sequence[torch.Tensor], *, standardise: bool = True
) -> torch.Tensor:
    """Return the mean absolute difference of features, averaged over the layers.

    Args:
        own: (B, C_i, h_i, w_i) of the network, each at least as fine as the teacher's.
        teacher: (B, C_i, g_i, f_i), not trained; own features are averaged to their size.
        standardise: compare channels without their mean and scale.

    Raises:
        ValueError: layers that differ in number or channels.
    """
    total = own[0].new_zeros((), dtype=torch.float32)
    for mine, wanted in zip(own, teacher, strict=True):
        if mine.shape[1] != wanted.shape[1]:
            raise ValueError(
                f"features have {mine.shape[1]} channels, the teacher's {wanted.shape[1]}; choose layers alike"
            )
        coarse = F.adaptive_avg_pool2d(mine.float(), (int(wanted.shape[-2]), int(wanted.shape[-1])))
        pair = (coarse, wanted.detach().float())
        first, second = (standardised(one) for one in pair) if standardise else pair
        total = total + (first - second).abs().mean()
    return total / len(own)


def standardised(features: torch.Tensor) -> torch.Tensor:
    """Return (B, C, h, w) features with mean 0 and deviation 1 per channel over batch and places."""
    deviation, mean = torch.std_mean(features, dim=(0, 2, 3), keepdim=True, correction=0)
    return (features - mean) / (deviation + 1e-3)
