# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What moves in front of a fixed camera, measured: what a frame shows and the median of its light does not.

Exposure and shadows change grey values, so the structure around a pixel is compared: frame f and median m correlate,

    c = cov(f, m) / sqrt((var f + n) (var m + n)),

in a window around it, n the variance of noise. Something is there that does not stay where f has structure and c is
low. Where both have structure and c is high, the place is still. Everything else is not decided.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

_WINDOW_PX = 11
"""About the height of a distant car; smaller windows correlate by chance more often."""
_NOISE = 36.0  # variance of grey values by night, of 255 squared
_STRUCTURE = 150.0  # smallest variance of what can be told apart
_MOVED_BELOW, _STILL_ABOVE = 0.25, 0.6  # chosen by eye on four cameras by day and night
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601, as JPEG has it


def median_image(images: torch.Tensor) -> torch.Tensor:
    """Return the median (h, w) float32 grey image of (B, 3, h, w) uint8 frames."""
    return gray_of(images).median(0).values


def gray_of(images: torch.Tensor) -> torch.Tensor:
    """Return (..., h, w) float32 grey values, 0 to 255, of (..., 3, h, w) uint8 images."""
    return (images.float() * torch.tensor(_LUMA).view(3, 1, 1)).sum(-3)


def moved_and_still(image: torch.Tensor, median: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where a frame shows what moves, and where it shows what stays, each (h, w) bool.

    Args:
        image: (3, h, w) uint8 frame.
        median: (h, w) of frames of the same light, from `median_image`.
    """
    one, other = gray_of(image), median
    mean_one, mean_other = _mean(one), _mean(other)
    var_one, var_other = _variance(one), _variance(other)
    covariance = _mean(one * other) - mean_one * mean_other
    correlation = covariance / ((var_one + _NOISE) * (var_other + _NOISE)).sqrt()
    moved = (var_one > _STRUCTURE) & (correlation < _MOVED_BELOW)
    still = (var_one > _STRUCTURE) & (correlation > _STILL_ABOVE)
    return moved, still


def _mean(values: torch.Tensor) -> torch.Tensor:
    """Return the mean in the window around each pixel of (h, w)."""
    half = _WINDOW_PX // 2
    padded = F.pad(values[None, None], (half, half, half, half), mode="replicate")
    return F.avg_pool2d(padded, _WINDOW_PX, 1)[0, 0]


def _variance(values: torch.Tensor) -> torch.Tensor:
    """Return the variance in the window around each pixel; rounding must not make it negative."""
    return (_mean(values * values) - _mean(values) ** 2).clamp(min=0)
