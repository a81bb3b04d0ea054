# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Points of image pairs with their descriptors, classes and scores: what the descriptor losses compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.keypoints import detection_probability, sample_descriptors
from sfd2_ros.features.network import DESCRIPTOR_STRIDE_PX

if TYPE_CHECKING:
    from sfd2_lab.training.data.pairs import PairBatch
    from sfd2_ros.features.network import NetworkOutput

_WEIGHT_ANYWHERE = 0.15  # of a cell without a corner, beside 1 for the best corner


@dataclass(frozen=True, eq=False)
class PointSample:
    """Corresponding points of one image pair.

    Attributes:
        index: of the pair in its batch.
        first: (N, D) descriptors in the first image.
        second: (N, D) descriptors at the true places in the second.
        labels: (N,) int64 labels in the first image, or NOT_LABELLED.
        score: (N,) highest detection probability of each cell in the first image.
        first_place: (N, 2) x and y in the first crop, pixels.
        second_place: (N, 2) the same points in the second crop.
        distance_px: (N, N) from the true place of i to the place of j, in the second image.
    """

    index: int
    first: torch.Tensor
    second: torch.Tensor
    labels: torch.Tensor
    score: torch.Tensor
    first_place: torch.Tensor
    second_place: torch.Tensor
    distance_px: torch.Tensor


def sample_points(output: NetworkOutput, batch: PairBatch, count: int, generator: torch.Generator) -> list[PointSample]:
    """Draw corresponding points of each pair, corners more often than what lies between.

    Args:
        output: of the network for the batch's images.
        batch: with the correspondence.
        count: most points of a pair.
        generator: on the CPU.

    Returns:
        A sample per pair, of as many points as match, at most `count`.
    """
    score = F.max_pool2d(detection_probability(output.detection_logits)[:, None], DESCRIPTOR_STRIDE_PX)[:, 0]
    corner = F.max_pool2d(batch.reliability[:, None], DESCRIPTOR_STRIDE_PX)[:, 0]
    labels = batch.labels[:, 1::DESCRIPTOR_STRIDE_PX, 1::DESCRIPTOR_STRIDE_PX].long()
    weight = ((_WEIGHT_ANYWHERE + corner[: len(batch)]) * batch.matched).flatten(1).cpu()
    samples = []
    for index in range(len(batch)):
        available = min(count, int((weight[index] > 0).sum()))
        if available == 0:
            continue
        cells = torch.multinomial(weight[index], available, generator=generator).to(score.device)
        place = batch.target[index].flatten(0, 1)[cells]
        first = output.descriptors[index].flatten(1)[:, cells].T
        second = sample_descriptors(output.descriptors[len(batch) + index], place)
        parts = (labels[index].flatten()[cells], score[index].flatten()[cells])
        places = (_centres(cells, score.shape[-1]).to(place), place)
        samples.append(PointSample(index, first, second, *parts, *places, torch.cdist(place, place)))
    return samples


def _centres(cells: torch.Tensor, width: int) -> torch.Tensor:
    """Return the centres (N, 2) of descriptor cells that are numbered row by row, x and y in pixels."""
    column, row = cells % width, cells // width
    return torch.stack([column, row], dim=1) * DESCRIPTOR_STRIDE_PX + (DESCRIPTOR_STRIDE_PX - 1) / 2
