# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The descriptor baseline without semantics: each point picks its match among all others of its image pair.

    L = 1/2 (mean_i -log softmax_j(s_ij / T)_i + mean_j -log softmax_i(s_ij / T)_j)

over similarities s of the points of one image to those of the other, true matches on the diagonal; others too near to
the true place to be called wrong are left out. Source: van den Oord et al. 2018, symmetric as in Radford et al. 2021.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects


def info_nce_loss(similarity: torch.Tensor, near: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Return the symmetric cross-entropy of one image pair.

    Args:
        similarity: (N, N) cosines, matches on the diagonal.
        near: (N, N) bool; pairs off the diagonal that are neither right nor wrong.
        temperature: T.

    Returns:
        A scalar; zero without points.
    """
    if len(similarity) == 0:
        return similarity.sum()
    diagonal = torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
    logits = (similarity / temperature).masked_fill(near & ~diagonal, -math.inf)
    wanted = torch.arange(len(similarity), device=similarity.device)
    return (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)) / 2
