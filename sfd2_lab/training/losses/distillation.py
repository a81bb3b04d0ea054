# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptors of a teacher, told to both pictures of a point: each picks its teacher's among those of the others.

    L = 1/2 (N(a, t) + N(b, t))

with N the symmetric cross-entropy of `info_nce`, descriptors a_i in the first and b_i in the second picture, and t_i
the teacher's descriptor of that point in whichever of the two is brighter, before light and weather were changed: what
is described by night is to be what the teacher says by day. The plain distance to t_i is no good here: descriptors of
real networks share a large mean (half of their length for ALIKED's), and a network that only learns that mean is stuck
[measured: after 120 steps InfoNCE of 300 points was 5.68, chance is 5.70].
Source: contrastive distillation (Tian et al. 2020) without its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.training.losses.info_nce import info_nce_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from sfd2_lab.training.samples import PointSample

    Describe = Callable[[torch.Tensor, Sequence[torch.Tensor]], list[torch.Tensor]]


def distillation_loss(
    first: torch.Tensor, second: torch.Tensor, teacher: torch.Tensor, near: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """Return how badly the teacher's descriptors are picked, of one image pair.

    Args:
        first: (N, D) unit descriptors in the first picture.
        second: (N, D) of the same points in the second.
        teacher: (N, D) what both are to be.
        near: (N, N) bool; points off the diagonal that are too near to be called wrong.
        temperature: T of N.

    Returns:
        A scalar; zero without points.
    """
    parts = [info_nce_loss(one @ teacher.T, near, temperature=temperature) for one in (first, second)]
    return (parts[0] + parts[1]) / 2


def teacher_descriptors(images: torch.Tensor, samples: Sequence[PointSample], describe: Describe) -> list[torch.Tensor]:
    """Return the teacher's descriptors of each pair's points, in the brighter of its two pictures.

    Args:
        images: (2B, 3, S, S) in [0, 1], as they were before any change of light; the first B are the first pictures.
        samples: of the pairs.
        describe: takes (K, 3, S, S) images and (N, 2) points for each, returns (N, D) descriptors for each.
    """
    count = len(images) // 2
    brightness = images.mean((1, 2, 3))
    chosen, points = [], []
    for sample in samples:
        is_first = bool(brightness[sample.index] >= brightness[count + sample.index])
        chosen.append(sample.index if is_first else count + sample.index)
        points.append(sample.first_place if is_first else sample.second_place)
    return describe(images[chosen], points) if chosen else []
