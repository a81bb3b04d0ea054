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
"""Side of the neighbourhood, 56 px: larger than a window, smaller than a facade. Not tuned."""
_PASSES = 3
"""Means of means of means: the window's edge leaves no edge in the image."""
_DARKEST, _BRIGHTEST = 1e-3, 0.99
"""Limits of a neighbourhood's mean: the logarithms of 0 and 1 have no quotient."""
_KNEE = 0.01
"""Below this the curve is nearly a line: a power alone is infinitely steep at black, and lifts noise there."""


def lift_shadows(images: torch.Tensor, level: float) -> torch.Tensor:
    """Raise each pixel to the power that takes the mean of its neighbourhood to a level, gently where it is black.

    A pixel x becomes ((x + k)^p - k^p) / ((1 + k)^p - k^p), with k = 0.01 and p = log(level) / log(neighbourhood), at
    most 1. Black stays black and white white.

    Args:
        images: (B, C, H, W) float32 in [0, 1], H and W multiples of 8.
        level: brightness, above 0 and below 1, that darker neighbourhoods are lifted towards: by level 0.4, 0.3 gets
            0.39, 0.1 gets 0.30, 0.01 gets 0.10. Brighter ones stay as they are.

    Returns:
        (B, C, H, W) float32 in [0, 1].
    """
    cells = F.avg_pool2d(images.mean(dim=1, keepdim=True), _CELL_PX)
    for _ in range(_PASSES):
        cells = F.avg_pool2d(cells, _WINDOW_CELLS, 1, _WINDOW_CELLS // 2, count_include_pad=False)
    power = (math.log(level) / cells.clamp(_DARKEST, _BRIGHTEST).log()).clamp(max=1.0)
    power = F.interpolate(power, scale_factor=_CELL_PX, mode="bilinear", align_corners=False)
    # exp(p log x): a third of the time of torch.pow with an exponent of each pixel's own.
    black, white = (power * math.log(_KNEE)).exp_(), (power * math.log(1.0 + _KNEE)).exp_()
    return (images + _KNEE).log_().mul_(power).exp_().sub_(black).div_(white.sub_(black)).clamp_(0.0, 1.0)
