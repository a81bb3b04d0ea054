# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from sfd2_lab.training.losses.stability import stability_loss
from sfd2_ros.features.semantics import NOT_LABELLED


def test_stability_loss_is_the_mean_cross_entropy_of_labelled_pixels() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0]).view(1, 3, 1, 1)  # one cell: every pixel has its logits
    classes = torch.full((1, 4, 4), NOT_LABELLED, dtype=torch.uint8)
    classes[0, 0, :3] = torch.tensor([0, 1, 2], dtype=torch.uint8)
    total = sum(math.exp(v) for v in (0.3, -1.0, 2.0))
    expected = sum(math.log(total) - v for v in (0.3, -1.0, 2.0)) / 3
    assert float(stability_loss(logits, classes)) == pytest.approx(expected, rel=1e-5)


def test_stability_loss_without_labels_is_zero_and_has_a_gradient() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = stability_loss(logits, torch.full((1, 8, 8), NOT_LABELLED, dtype=torch.uint8))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not logits.grad.any()


def test_stability_loss_agrees_with_finite_differences() -> None:
    make = torch.Generator().manual_seed(4)
    logits = torch.randn(1, 3, 2, 2, generator=make)
    classes = torch.randint(0, 3, (1, 8, 8), generator=make).to(torch.uint8)
    logits.requires_grad_()
    stability_loss(logits, classes).backward()
    step = torch.zeros_like(logits)
    step[0, 1, 1, 0] = 1e-2
    up, down = (float(stability_loss(logits.detach() + sign * step, classes)) for sign in (1, -1))
    assert float(logits.grad[0, 1, 1, 0]) == pytest.approx((up - down) / 2e-2, rel=1e-2)
