# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Corners of a fixed camera that last: found again by day and by night, at the same place of the image.

Every frame has its own corners. They vote with a small Gaussian around each place, each light with the same total
weight. A peak of the votes is a candidate, placed between the pixels. Its reliability is the geometric mean over the
lights of the fraction of frames that have a corner within the tolerance,

    S_rel = (s_1 s_2 ... s_L)^(1/L),

so that a corner that one light never shows is worth nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_lab.training.data.geometry import pixel_grid
from sfd2_ros.features.keypoints import local_maxima, refine_keypoints

if TYPE_CHECKING:
    from collections.abc import Sequence

_REACH_PX = 3
"""A vote reaches this far; beyond three standard deviations it is below 1 %."""
_DEVIATION_PX = 1.0
"""Standard deviation of a vote: ALIKED places a corner again within about half a pixel."""
_FEWEST_VOTES = 1e-3
"""Lowest height of a peak, which only excludes places without votes."""


def lasting_corners(
    lights: Sequence[Sequence[torch.Tensor]],
    size: tuple[int, int],
    *,
    tolerance_px: float,
    smallest: float,
    radius_px: int,
) -> torch.Tensor:
    """Return the corners that the frames of every light have in common.

    Args:
        lights: for each light the corners (N, 3) of its frames; x, y in pixels and a reliability that is not used.
        size: (h, w) of the frames.
        tolerance_px: a corner within this distance is the same.
        smallest: lowest reliability of a corner that is returned.
        radius_px: of corners within this distance the one with the most votes stays.

    Returns:
        (N, 3) float32: x, y, S_rel.
    """
    votes = torch.stack([_votes(frames, size) for frames in lights]).mean(0)
    peaks = local_maxima(votes[None], threshold=_FEWEST_VOTES, radius_px=radius_px)[0]
    y, x = torch.nonzero(peaks, as_tuple=True)
    place = refine_keypoints(votes, torch.stack([x, y], dim=1))
    shares = torch.stack([_share_found(place, frames, tolerance_px) for frames in lights])
    reliability = shares.prod(0) ** (1 / len(lights))
    kept = reliability >= smallest
    return torch.cat([place[kept], reliability[kept, None]], dim=1).float()


def _votes(frames: Sequence[torch.Tensor], size: tuple[int, int]) -> torch.Tensor:
    """Return (h, w) the mean over the frames of Gaussians around their corners."""
    height, width = size
    steps = pixel_grid(2 * _REACH_PX + 1, 2 * _REACH_PX + 1).view(-1, 2) - _REACH_PX
    votes = torch.zeros(height * width, dtype=torch.float64)
    for corners in frames:
        place = corners[:, None, :2].double()
        pixel = place.round() + steps
        weight = torch.exp(-((pixel - place) ** 2).sum(-1) / (2 * _DEVIATION_PX**2))
        inside = ((pixel >= 0) & (pixel < pixel.new_tensor([width, height]))).all(-1)
        index = (pixel[..., 1] * width + pixel[..., 0]).long()
        votes.index_add_(0, index[inside], weight[inside])
    return (votes / max(1, len(frames))).view(height, width).float()


def _share_found(place: torch.Tensor, frames: Sequence[torch.Tensor], tolerance_px: float) -> torch.Tensor:
    """Return (N,) the fraction of frames with a corner within the tolerance of each place."""
    found = torch.zeros(len(place))
    for corners in frames:
        if len(corners) and len(place):
            found += torch.cdist(place.float(), corners[:, :2].float()).amin(1) <= tolerance_px
    return found / max(1, len(frames))
