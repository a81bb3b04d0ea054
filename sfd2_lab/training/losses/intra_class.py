# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Intra-class discriminability: within a class, the true match ranks first.

For a query with similarities s_j to candidates of its own class, of which P+ are true matches, the average precision is

    AP = 1/|P+| sum over j in P+ of (1 + #{k in P+: s_k > s_j}) / (1 + #{k: s_k > s_j}).

Counting is made differentiable by histogram binning (He, Lu, Sclaroff, CVPR 2018): similarities fall into Q bins with a
triangular kernel, h_q = sum_j max(0, 1 - |s_j - b_q| / step), h+_q likewise over the true matches; with bins in
descending order and H, H+ their cumulated sums,

    AP = 1/|P+| sum_q h+_q H+_q / H_q.

The loss weighs it by the predicted reliability r of the query (Revaud et al., NeurIPS 2019, equation 7),

    L_intra = mean of 1 - (AP r + (1 - r) base),

so that a query may give up, at the price of 1 - base. The paper (equation 3) restricts candidates to the query's class;
the released training does not: `within_class`. Written from these formulas.
"""

from __future__ import annotations

import torch


def soft_average_precision(
    similarity: torch.Tensor, positive: torch.Tensor, candidate: torch.Tensor, *, bins: int
) -> torch.Tensor:
    """Return the binned average precision of every query.

    Args:
        similarity: (M, N) cosines in [-1, 1].
        positive: (M, N) bool, the true matches, a subset of the candidates.
        candidate: (M, N) bool, what takes part in the ranking.
        bins: Q, at least 2, from cosine 1 down to -1.

    Returns:
        (M,) in [0, 1]; zero where a query has no true match.
    """
    step = 2 / (bins - 1)
    centres = torch.linspace(1, -1, bins, device=similarity.device)
    member = (1 - (similarity[..., None] - centres).abs() / step).clamp(min=0)
    of_all = (member * candidate[..., None]).sum(1)
    of_true = (member * positive[..., None]).sum(1)
    precision = of_true.cumsum(1) / of_all.cumsum(1).clamp(min=1e-9)
    return (of_true * precision).sum(1) / positive.sum(1).clamp(min=1)


def intra_class_loss(
    similarity: torch.Tensor,
    positive: torch.Tensor,
    candidate: torch.Tensor,
    reliability: torch.Tensor,
    *,
    bins: int = 20,
    base: float = 0.5,
) -> torch.Tensor:
    """Return the mean of 1 - (AP r + (1 - r) base) over the queries that have a true match.

    Args:
        similarity: (M, N) cosines.
        positive: (M, N) bool.
        candidate: (M, N) bool.
        reliability: (M,) r in [0, 1].
        bins: of the histogram.
        base: average precision below which a query had better give up.

    Returns:
        A scalar; zero when no query has a true match.
    """
    precision = soft_average_precision(similarity, positive, candidate, bins=bins)
    each = 1 - (precision * reliability + (1 - reliability) * base)
    counts = positive.any(1)
    return (each * counts).sum() / counts.sum().clamp(min=1)


def reliability_of_score(score: torch.Tensor) -> torch.Tensor:
    """Return r of predicted scores as the released training takes it: min(1, 4 s + 0.5)."""
    return (score * 4 + 0.5).clamp(max=1)
