# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptors of a teacher, told to both pictures of a point.

    L = mean_i (1 - 1/2 t_i . (a_i + b_i))

over points i with the descriptors a_i in the first and b_i in the second picture, and t_i the teacher's descriptor of
that point in whichever of the two is brighter, before light and weather were changed: what is described by night is to
be what the teacher says by day. Source: knowledge distillation (Hinton et al. 2015) with cosines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from sfd2_ros.training.samples import PointSample

    Describe = Callable[[torch.Tensor, Sequence[torch.Tensor]], list[torch.Tensor]]


def distillation_loss(first: torch.Tensor, second: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the mean distance to the teacher.

    Args:
        first: (N, D) unit descriptors in the first picture.
        second: (N, D) of the same points in the second.
        teacher: (N, D) what both are to be.

    Returns:
        A scalar between 0 and 2; zero without points.
    """
    cosine = ((first + second) * teacher).sum(1) / 2
    return (1 - cosine).sum() / max(1, len(cosine))


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
