# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from sfd2_lab.training.losses.inter_class import INTER_CLASS_LOSSES, triplet_loss, two_hinge_loss


@pytest.fixture
def points() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    make = torch.Generator().manual_seed(5)
    descriptors = F.normalize(torch.randn(9, 4, generator=make, dtype=torch.float64), dim=1)
    return descriptors, torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2]), torch.rand(9, generator=make, dtype=torch.float64)


def test_triplet_loss_is_the_mean_hinge_of_all_triplets(
    points: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    x, labels, scores = points
    hinges = [
        max(0.0, float((x[i] - x[j]).norm() - (x[i] - x[k]).norm()) + 0.7)
        for i in range(9)
        for j in range(9)
        for k in range(9)
        if i != j and labels[i] == labels[j] and labels[i] != labels[k]
    ]
    assert len(hinges) == 3 * 2 * 6 + 2 * 1 * 7 + 4 * 3 * 5
    assert float(triplet_loss(x, labels, scores, margin=0.7)) == pytest.approx(sum(hinges) / len(hinges), rel=1e-6)


def test_two_hinge_loss_weighs_pairs_by_both_scores(points: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    x, labels, scores = points
    sums = {True: [0.0, 0.0], False: [0.0, 0.0]}
    for i in range(9):
        for j in range(9):
            if i == j:
                continue
            same = bool(labels[i] == labels[j])
            distance = 2 - 2 * float(x[i] @ x[j])
            weight = float(scores[i] * scores[j])
            sums[same][0] += weight * max(0.0, distance - 1 if same else 1 - distance)
            sums[same][1] += weight
    expected = sum(total / weight for total, weight in sums.values())
    assert float(two_hinge_loss(x, labels, scores)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", sorted(INTER_CLASS_LOSSES))
def test_inter_class_loss_agrees_with_finite_differences(
    name: str, points: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    x, labels, scores = points
    assert torch.autograd.gradcheck(lambda d: INTER_CLASS_LOSSES[name](d, labels, scores), (x.requires_grad_(),))


@pytest.mark.parametrize("name", sorted(INTER_CLASS_LOSSES))
def test_inter_class_loss_falls_when_classes_part(
    name: str, points: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    x, labels, scores = points
    parted = F.normalize(x + 3 * torch.eye(4, dtype=torch.float64)[labels], dim=1)
    assert INTER_CLASS_LOSSES[name](parted, labels, scores) < INTER_CLASS_LOSSES[name](x, labels, scores)


@pytest.mark.parametrize("name", sorted(INTER_CLASS_LOSSES))
@pytest.mark.parametrize("count", [0, 1])
def test_inter_class_loss_of_too_few_points_is_zero(name: str, count: int) -> None:
    empty = torch.zeros(count, 4), torch.zeros(count, dtype=torch.long), torch.ones(count)
    assert float(INTER_CLASS_LOSSES[name](*empty)) == 0
