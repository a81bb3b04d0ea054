# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from sfd2_lab.training.losses.intra_class import intra_class_loss, reliability_of_score, soft_average_precision


def exact_average_precision(similarity: list[float], positive: list[bool]) -> float:
    """Mean, over the true matches, of the share of true matches among what ranks as high."""
    precisions = []
    for j, is_true in enumerate(positive):
        if is_true:
            above = [k for k, s in enumerate(similarity) if s >= similarity[j]]
            precisions.append(sum(positive[k] for k in above) / len(above))
    return sum(precisions) / len(precisions)


def test_average_precision_with_fine_bins_is_the_definition() -> None:
    make = torch.Generator().manual_seed(6)
    # Similarities on the bins, each another: binning then counts exactly.
    similarity = torch.stack([torch.randperm(21, generator=make)[:12] for _ in range(30)]) / 10 - 1.0
    positive = torch.rand(30, 12, generator=make) < 0.3
    positive[:, 0] = True
    soft = soft_average_precision(similarity, positive, torch.ones_like(positive), bins=21)
    exact = [exact_average_precision(s, p) for s, p in zip(similarity.tolist(), positive.tolist(), strict=True)]
    torch.testing.assert_close(soft, torch.tensor(exact), atol=1e-4, rtol=0)


def test_average_precision_is_one_when_true_matches_rank_first_and_low_when_last() -> None:
    similarity = torch.tensor([[0.9, 0.1, 0.0, -0.3], [-0.9, 0.1, 0.2, 0.3]])
    positive = torch.tensor([[True, False, False, False]] * 2)
    best, worst = soft_average_precision(similarity, positive, torch.ones_like(positive), bins=41).tolist()
    assert best == pytest.approx(1)
    assert worst == pytest.approx(1 / 4)


def test_candidates_of_another_class_do_not_count() -> None:
    similarity = torch.tensor([[0.2, 0.9]])
    positive = torch.tensor([[True, False]])
    within = soft_average_precision(similarity, positive, torch.tensor([[True, False]]), bins=21)
    across = soft_average_precision(similarity, positive, torch.tensor([[True, True]]), bins=21)
    assert float(within) == pytest.approx(1)
    assert float(across) == pytest.approx(0.5, abs=1e-3)


def test_unreliable_query_pays_the_base_price() -> None:
    similarity, positive = torch.tensor([[0.2, 0.9]]), torch.tensor([[True, False]])
    everything = torch.ones_like(positive)
    given_up = intra_class_loss(similarity, positive, everything, torch.tensor([0.0]), bins=21, base=0.5)
    insisting = intra_class_loss(similarity, positive, everything, torch.tensor([1.0]), bins=21, base=0.8)
    assert float(given_up) == pytest.approx(0.5)
    assert float(insisting) == pytest.approx(0.5, abs=1e-3)


def test_queries_without_a_true_match_do_not_count() -> None:
    similarity = torch.tensor([[0.9, 0.1], [0.5, 0.4]])
    positive = torch.tensor([[True, False], [False, False]])
    everything = torch.ones_like(positive)
    assert float(intra_class_loss(similarity, positive, everything, torch.ones(2), bins=21)) == pytest.approx(
        0, abs=1e-4
    )
    none = torch.zeros_like(positive)
    assert float(intra_class_loss(similarity, none, everything, torch.ones(2))) == 0


def test_intra_class_loss_agrees_with_finite_differences() -> None:
    make = torch.Generator().manual_seed(7)
    similarity = (torch.rand(3, 6, generator=make, dtype=torch.float64) * 1.6 - 0.8).requires_grad_()
    reliability = torch.rand(3, generator=make, dtype=torch.float64).requires_grad_()
    positive = torch.tensor([[True, False, True, False, False, False]] * 3)
    candidate = torch.tensor([[True] * 5 + [False]] * 3)
    assert torch.autograd.gradcheck(
        lambda s, r: intra_class_loss(s, positive, candidate, r, bins=11), (similarity, reliability), eps=1e-7
    )


def test_reliability_is_the_released_training_s_line() -> None:
    torch.testing.assert_close(reliability_of_score(torch.tensor([0.0, 0.05, 0.5])), torch.tensor([0.5, 0.7, 1.0]))
