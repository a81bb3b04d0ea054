# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from sfd2_lab.training.losses.distillation import (
    Projection,
    cached_descriptors,
    distillation_loss,
    projection_of,
    teacher_descriptors,
)
from sfd2_lab.training.samples import PointSample


def unit(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, 8, generator=generator, dtype=torch.float64), dim=1)


def sample(index: int) -> PointSample:
    nothing = torch.zeros(0)
    return PointSample(
        index,
        nothing,
        nothing,
        nothing,
        nothing,
        torch.tensor([[1.0, 2.0]]),
        torch.tensor([[30.0, 40.0]]),
        nothing,
    )


def test_loss_is_the_cross_entropy_of_picking_the_teacher_s_descriptor() -> None:
    first, second, teacher = (unit(5, seed).numpy() for seed in range(3))
    near = np.zeros((5, 5), bool)
    near[0, 3] = near[3, 0] = True
    each = []
    for mine in (first, second):
        for i in range(5):
            rows = [mine[i] @ teacher[j] / 0.1 for j in range(5) if j == i or not near[i, j]]
            columns = [mine[j] @ teacher[i] / 0.1 for j in range(5) if j == i or not near[i, j]]
            right = mine[i] @ teacher[i] / 0.1
            each += [np.log(np.exp(rows).sum()) - right, np.log(np.exp(columns).sum()) - right]
    loss = distillation_loss(*map(torch.from_numpy, (first, second, teacher, near)), temperature=0.1)
    assert float(loss) == pytest.approx(np.mean(each))


def test_loss_is_small_for_the_teacher_s_own_descriptors_and_zero_without_points() -> None:
    teacher, near = unit(5, 2), torch.zeros(5, 5, dtype=torch.bool)
    assert distillation_loss(teacher, teacher, teacher, near, temperature=0.01) < 0.01
    assert distillation_loss(teacher[:0], teacher[:0], teacher[:0], near[:0, :0], temperature=0.1) == 0


def test_gradient_of_the_loss_is_that_of_finite_differences() -> None:
    first, second = (unit(3, seed).requires_grad_() for seed in range(2))
    near = torch.zeros(3, 3, dtype=torch.bool)
    assert torch.autograd.gradcheck(
        lambda a, b: distillation_loss(a, b, unit(3, 2), near, temperature=0.5), (first, second)
    )


def test_teacher_looks_at_the_brighter_picture_of_each_pair() -> None:
    images = torch.tensor([0.2, 0.9, 0.6, 0.1]).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    asked: list[tuple[float, list[float]]] = []

    def describe(pictures: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        asked.extend((float(picture.mean()), one[0].tolist()) for picture, one in zip(pictures, points, strict=True))
        return [torch.ones(1, 8)] * len(points)

    assert len(teacher_descriptors(images, [sample(0), sample(1)], describe)) == 2
    assert asked[0] == (pytest.approx(0.6), [30.0, 40.0])
    assert asked[1] == (pytest.approx(0.9), [1.0, 2.0])
    assert teacher_descriptors(images, [], describe) == []


def test_projection_removes_the_common_mean_and_keeps_the_directions_of_most_variance() -> None:
    generator = torch.Generator().manual_seed(3)
    spread = torch.tensor([0.01, 0.3, 0.01, 0.2])
    given = torch.tensor([2.0, 0.0, 0.0, 0.0]) + torch.randn(500, 4, generator=generator) * spread
    projection = projection_of(given, 2)
    torch.testing.assert_close(projection.axes.T @ projection.axes, torch.eye(2))
    assert float(projection.axes[[0, 2]].abs().max()) < 0.2
    found = projection(given)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(500))
    assert float(F.normalize(given, dim=1).mean(0).norm()) > 0.9
    assert float(found.mean(0).norm()) < 0.1


def test_kept_descriptors_are_those_of_the_brighter_image_at_the_points() -> None:
    images = torch.zeros(4, 3, 64, 64)
    images[[0, 3]] = 0.5  # of the first pair the first image is brighter, of the second pair the second
    described = torch.zeros(4, 2, 16, 16)
    described[:, 0] = torch.arange(16)  # the column of the cell
    described[:, 1] = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1)  # the image
    same = Projection(torch.zeros(2), torch.eye(2))
    found = cached_descriptors(images, described, [sample(0), sample(1)], same)
    wanted = F.normalize(
        torch.tensor([[(1.0 + 0.5) / 4 - 0.5, 1.0], [(30.0 + 0.5) / 4 - 0.5, 4.0]]).clamp(min=0), dim=1
    )
    torch.testing.assert_close(torch.cat(found), wanted)
