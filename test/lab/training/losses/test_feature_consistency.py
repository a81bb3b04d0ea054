# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from sfd2_lab.training.losses.feature_consistency import feature_loss


def test_feature_loss_is_half_the_sum_of_mean_differences() -> None:
    own = [torch.zeros(1, 2, 4, 4), torch.full((1, 3, 2, 2), 2.0)]
    teacher = [torch.full((1, 2, 2, 2), 3.0), torch.full((1, 3, 2, 2), -1.0)]
    assert float(feature_loss(own, teacher, standardise=False)) == pytest.approx((3 + 3) / 2)


def test_feature_loss_averages_own_features_to_the_teacher_s_size() -> None:
    own = torch.arange(16.0).view(1, 1, 4, 4)
    assert float(feature_loss([own], [torch.tensor([[[[2.5, 4.5], [10.5, 12.5]]]])], standardise=False)) == 0


def test_standardised_features_forget_scale_and_offset() -> None:
    make = torch.Generator().manual_seed(10)
    features = torch.randn(2, 4, 6, 6, generator=make)
    assert float(feature_loss([features], [features * 7 - 3])) == pytest.approx(0, abs=2e-3)
    assert float(feature_loss([features], [torch.randn(2, 4, 6, 6, generator=make)])) > 0.5


def test_feature_loss_agrees_with_finite_differences_and_leaves_the_teacher_alone() -> None:
    make = torch.Generator().manual_seed(11)
    own = torch.randn(1, 2, 4, 4, generator=make).requires_grad_()
    teacher = torch.randn(1, 2, 2, 2, generator=make).requires_grad_()
    feature_loss([own], [teacher]).backward()
    assert teacher.grad is None
    step = torch.zeros_like(own)
    step[0, 1, 2, 3] = 1e-2
    up, down = (float(feature_loss([own.detach() + sign * step], [teacher])) for sign in (1, -1))
    assert float(own.grad[0, 1, 2, 3]) == pytest.approx((up - down) / 2e-2, rel=0.02, abs=1e-4)


def test_layers_with_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 channels, the teacher's 3"):
        feature_loss([torch.zeros(1, 2, 4, 4)], [torch.zeros(1, 3, 4, 4)])
