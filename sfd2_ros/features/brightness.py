# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Dark parts of an image lifted before the network sees it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

if TYPE_CHECKING:
    import torch

_CELL_PX = 8
"""The brightness of a neighbourhood is taken from cells of this side."""
MAX_BRIGHTNESS = 0.9
"""Highest level; near 1 nothing would be left of the contrast."""
_WINDOW_CELLS = 7
_PASSES = 3
"""Means of means of means: the window's edge leaves no edge in the image."""
_DARKEST, _BRIGHTEST = 1e-3, 0.99
_BLACK = 1e-4


def lift_shadows(images: torch.Tensor, level: float) -> torch.Tensor:
    """Raise each pixel to the power that takes the mean of its neighbourhood to a level; never above 1.

    Args:
        images: (B, C, H, W) float32 in [0, 1], H and W multiples of 8.
        level: brightness, above 0 and below 1, that darker neighbourhoods get; brighter ones stay as they are.

    Returns:
        (B, C, H, W) float32 in [0, 1].
    """
    cells = F.avg_pool2d(images.mean(dim=1, keepdim=True), _CELL_PX)
    for _ in range(_PASSES):
        cells = F.avg_pool2d(cells, _WINDOW_CELLS, 1, _WINDOW_CELLS // 2, count_include_pad=False)
    power = (math.log(level) / cells.clamp(_DARKEST, _BRIGHTEST).log()).clamp(max=1.0)
    power = F.interpolate(power, scale_factor=_CELL_PX, mode="bilinear", align_corners=False)
    return images.clamp(min=_BLACK).log_().mul_(power).exp_()
