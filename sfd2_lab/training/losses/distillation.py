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

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.losses.info_nce import info_nce_loss
from sfd2_ros.features.network import DESCRIPTOR_STRIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


@dataclass(frozen=True, eq=False)
class Projection:
    """A teacher's descriptors without their common mean, along their directions of largest variance.

    A network that is trained from nothing learns these coordinates as well as any others; a rotation changes no cosine.

    Attributes:
        mean: (D,) of unit descriptors.
        axes: (D, K) orthonormal columns.
    """

    mean: torch.Tensor
    axes: torch.Tensor

    def __call__(self, descriptors: torch.Tensor) -> torch.Tensor:
        """Return (N, K) unit descriptors of (N, D) ones of any length."""
        axes = self.axes.to(descriptors.device)
        return F.normalize((F.normalize(descriptors, dim=1) - self.mean.to(descriptors.device)) @ axes, dim=1)


def projection_of(descriptors: torch.Tensor, dimension: int) -> Projection:
    """Return the projection of (N, D) descriptors of any length to a dimension of at most D."""
    unit = F.normalize(descriptors.double(), dim=1)
    mean = unit.mean(0)
    centred = unit - mean
    vectors: torch.Tensor = torch.linalg.eigh(centred.T @ centred).eigenvectors
    return Projection(mean.float(), vectors[:, -dimension:].flip(1).float())


def cached_descriptors(
    images: torch.Tensor, described: torch.Tensor, samples: Sequence[PointSample], project: Projection
) -> list[torch.Tensor]:
    """Return the teacher's descriptors of each pair's points, in the brighter of its two images, from kept ones.

    Args:
        images: (2B, 3, S, S), see `teacher_descriptors`.
        described: (2B, D, S/4, S/4) of the cells of the images, of any length.
        samples: of the pairs.
        project: to the dimension of the network.

    Returns:
        For each pair (N, K).
    """
    found = []
    for index, points in in_the_brighter(images, samples):
        cell = (points + 0.5) / DESCRIPTOR_STRIDE_PX - 0.5
        size = cell.new_tensor([described.shape[-1], described.shape[-2]])
        grid = ((2 * cell + 1) / size - 1)[None, None]
        values = F.grid_sample(described[index][None], grid, padding_mode="border", align_corners=False)
        found.append(project(values[0, :, 0].T))
    return found


def teacher_descriptors(images: torch.Tensor, samples: Sequence[PointSample], describe: Describe) -> list[torch.Tensor]:
    """Return the teacher's descriptors of each pair's points, in the brighter of its two pictures.

    Args:
        images: (2B, 3, S, S) in [0, 1], as they were before any change of light; the first B are the first pictures.
        samples: of the pairs.
        describe: takes (K, 3, S, S) images and (N, 2) points for each, returns (N, D) descriptors for each.
    """
    chosen = in_the_brighter(images, samples)
    return describe(images[[index for index, _ in chosen]], [points for _, points in chosen]) if chosen else []


def in_the_brighter(images: torch.Tensor, samples: Sequence[PointSample]) -> list[tuple[int, torch.Tensor]]:
    """Return for each pair the number of its brighter image and the (N, 2) points in it, x and y in pixels.

    Args:
        images: (2B, 3, S, S), the first B are the first ones of the pairs.
        samples: of the pairs.
    """
    count = len(images) // 2
    brightness = images.mean((1, 2, 3))
    chosen = []
    for sample in samples:
        is_first = bool(brightness[sample.index] >= brightness[count + sample.index])
        index = sample.index if is_first else count + sample.index
        chosen.append((index, sample.first_place if is_first else sample.second_place))
    return chosen
