# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inter-class discriminability: descriptors of one class are nearer to each other than to those of another.

The paper (equation 2) takes all triplets of a class c1 and another c2,

    L_inter = mean over i, j, k of max(0, |x_i^c1 - x_j^c1| - |x_i^c1 - x_k^c2| + m), m = 1.

The released training takes two hinges around one distance, d = 2 - 2 cos, weighted by the scores w of both points,

    L_inter = mean_w over same class of max(0, d - m) + mean_w over different classes of max(0, m - d), m = 1.

Source: Xue et al., CVPR 2023, section 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST_SQUARE = 1e-6  # under the root, so that equal descriptors have a gradient


def triplet_loss(
    descriptors: torch.Tensor, labels: torch.Tensor, scores: torch.Tensor, *, margin: float = 1.0
) -> torch.Tensor:
    """Return the paper's loss over all triplets, M^3 of them.

    Args:
        descriptors: (M, D) of length one.
        labels: (M,) integers.
        scores: (M,), not used; there so that both losses are called alike.
        margin: m.

    Returns:
        A scalar; zero when there are no triplets.
    """
    del scores
    distance = (2 - 2 * descriptors @ descriptors.T).clamp(min=_SMALLEST_SQUARE).sqrt()
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    triplets = positive[:, :, None] & ~same[:, None, :]
    hinge = (distance[:, :, None] - distance[:, None, :] + margin).clamp(min=0)
    return (hinge * triplets).sum() / triplets.sum().clamp(min=1)


def two_hinge_loss(
    descriptors: torch.Tensor, labels: torch.Tensor, scores: torch.Tensor, *, margin: float = 1.0
) -> torch.Tensor:
    """Return the released training's loss over all pairs.

    Args:
        descriptors: (M, D) of length one.
        labels: (M,) integers.
        scores: (M,), not negative; a pair weighs the product of its two.
        margin: m.

    Returns:
        A scalar; a sum that has no pairs is zero.
    """
    distance = 2 - 2 * descriptors @ descriptors.T
    weight = scores[:, None] * scores[None]
    same = labels[:, None] == labels[None]
    positive = weight * (same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device))
    negative = weight * ~same
    near = (positive * (distance - margin).clamp(min=0)).sum() / positive.sum().clamp(min=1e-9)
    far = (negative * (margin - distance).clamp(min=0)).sum() / negative.sum().clamp(min=1e-9)
    return near + far


INTER_CLASS_LOSSES: dict[str, Callable[..., torch.Tensor]] = {"triplet": triplet_loss, "two_hinges": two_hinge_loss}
"""By name: "triplet" is the paper's, "two_hinges" the released training's."""
