# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from sfd2_lab.training.losses.info_nce import info_nce_loss


def test_info_nce_is_the_mean_over_both_directions() -> None:
    make = torch.Generator().manual_seed(8)
    s = torch.rand(5, 5, generator=make, dtype=torch.float64)
    near = torch.zeros(5, 5, dtype=torch.bool)
    near[0, 1] = near[2, 2] = True  # the match itself always stays
    total = 0.0
    for i in range(5):
        row = sum(math.exp(float(s[i, j]) / 0.2) for j in range(5) if not near[i, j] or i == j)
        column = sum(math.exp(float(s[j, i]) / 0.2) for j in range(5) if not near[j, i] or i == j)
        total -= 2 * float(s[i, i]) / 0.2 - math.log(row) - math.log(column)
    assert float(info_nce_loss(s, near, temperature=0.2)) == pytest.approx(total / 10, rel=1e-9)


def test_info_nce_agrees_with_finite_differences() -> None:
    s = torch.rand(4, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64).requires_grad_()
    near = torch.zeros(4, 4, dtype=torch.bool)
    assert torch.autograd.gradcheck(lambda x: info_nce_loss(x, near, temperature=0.5), (s,))


def test_info_nce_of_no_points_is_zero() -> None:
    assert float(info_nce_loss(torch.zeros(0, 0), torch.zeros(0, 0, dtype=torch.bool), temperature=0.1)) == 0
