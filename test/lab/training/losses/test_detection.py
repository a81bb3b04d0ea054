# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from sfd2_lab.training.losses.detection import cell_distribution, cell_loss, pixel_loss, semantic_target


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    make = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 65, 2, 3, generator=make, dtype=torch.float64)
    target = torch.rand(2, 16, 24, generator=make, dtype=torch.float64) * 0.03
    return logits, target, torch.rand(2, 16, 24, generator=make) > 0.1


def test_target_is_reliability_times_stability() -> None:
    product = semantic_target(torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[0.1, 1.0]]]))
    torch.testing.assert_close(product, torch.tensor([[[0.1, 0.5]]]))


def test_pixel_loss_is_the_binary_cross_entropy_of_every_valid_pixel(
    batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    logits, target, valid = batch
    total, count = 0.0, 0
    for b in range(2):
        for y in range(16):
            for x in range(24):
                if not valid[b, y, x]:
                    continue
                cell = [math.exp(v) for v in logits[b, :, y // 8, x // 8].tolist()]
                score = cell[8 * (y % 8) + x % 8] / (sum(cell) + 1e-5)
                wanted = float(target[b, y, x])
                total -= wanted * math.log(score) + (1 - wanted) * math.log(1 - score)
                count += 1
    assert count < 2 * 16 * 24
    assert float(pixel_loss(logits, target, valid)) == pytest.approx(total / count, rel=1e-4)


def test_cell_loss_is_the_cross_entropy_of_every_valid_cell(
    batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    logits, target, _ = batch
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[1, 9, 17] = False  # takes cell (1, 2) of the second image out
    losses = []
    for b in range(2):
        for row in range(2):
            for column in range(3):
                if (b, row, column) == (1, 1, 2):
                    continue
                values = [float(target[b, 8 * row + k // 8, 8 * column + k % 8]) for k in range(64)]
                scale = max(1.0, sum(values))
                values = [v / scale for v in values]
                values.append(1 - sum(values))
                cell = [math.exp(v) for v in logits[b, :, row, column].tolist()]
                losses.append(-sum(q * math.log(p / sum(cell)) for q, p in zip(values, cell, strict=True)))
    assert len(losses) == 11
    assert float(cell_loss(logits, target, valid)) == pytest.approx(sum(losses) / 11, rel=1e-5)


def test_cells_are_distributions_even_when_their_pixels_sum_to_more_than_one() -> None:
    distribution = cell_distribution(torch.ones(1, 8, 8))
    torch.testing.assert_close(distribution[0, :64, 0, 0], torch.full((64,), 1 / 64))
    assert float(distribution[0, 64, 0, 0]) == 0


@pytest.mark.parametrize("loss", [cell_loss, pixel_loss])
def test_detection_loss_agrees_with_finite_differences(loss) -> None:  # noqa: ANN001
    make = torch.Generator().manual_seed(2)
    target = torch.rand(1, 8, 8, generator=make) * 0.02
    valid = torch.ones(1, 8, 8, dtype=torch.bool)
    logits = torch.randn(1, 65, 1, 1, generator=make).requires_grad_()
    loss(logits, target, valid).backward()
    for index in (3, 40, 64):
        step = torch.zeros_like(logits)
        step[0, index] = 3e-2
        up, down = (float(loss(logits.detach() + sign * step, target, valid)) for sign in (1, -1))
        assert float(logits.grad[0, index]) == pytest.approx((up - down) / 6e-2, rel=0.02, abs=2e-5)


@pytest.mark.parametrize("loss", [cell_loss, pixel_loss])
def test_detection_loss_is_least_where_the_score_is_the_target(loss) -> None:  # noqa: ANN001
    target = torch.full((1, 8, 8), 0.01)
    best = cell_distribution(target).clamp(min=1e-9).log()
    valid = torch.ones(1, 8, 8, dtype=torch.bool)
    other = best + 0.3 * torch.randn(best.shape, generator=torch.Generator().manual_seed(3))
    assert float(loss(best, target, valid)) < float(loss(other, target, valid))


@pytest.mark.parametrize("loss", [cell_loss, pixel_loss])
def test_detection_loss_of_nothing_valid_is_zero(loss) -> None:  # noqa: ANN001
    assert float(loss(torch.randn(1, 65, 1, 1), torch.zeros(1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.bool))) == 0
