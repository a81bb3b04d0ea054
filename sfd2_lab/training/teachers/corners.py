# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Local reliability without a learned detector: corners that stay corners under random homographies.

The response is the smaller eigenvalue of the structure tensor (Shi and Tomasi 1994) relative to its surroundings, so
that dim parts of a picture have their corners too. Homographic adaptation (DeTone et al. 2018) finds corners in several
warped copies; the reliability of a place is the share of the copies showing it in which a corner is found there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.geometry import WarpConfig, companion, from_four_points, map_points, pixel_grid
from sfd2_ros.core.config import setting
from sfd2_ros.features.keypoints import local_maxima

_SURROUNDING_PX = 15
_FLOOR = 2e-5  # response of noise in a picture of [0, 1]; below it nothing is a corner


@dataclass(frozen=True)
class CornerConfig:
    """How corners are found."""

    detector: str = setting("structure_tensor", "What finds them.", choices=("structure_tensor", "aliked"))
    weights: str = setting("", "Of the detector, relative to the data folder.")
    warps: int = setting(8, "Warped copies that a corner is looked for in.", minimum=0, maximum=100)
    radius_px: int = setting(3, "Of corners within this distance the strongest stays, pixels.", minimum=1, maximum=32)
    tolerance_px: int = setting(1, "A corner in a copy counts for places this near, pixels.", minimum=0, maximum=8)
    threshold: float = setting(0.6, "Response of a corner, in means of its surroundings.", minimum=0.0)
    smallest_reliability: float = setting(0.3, "Corners less reliable than this are dropped.", minimum=0.0)


def find_corners(image: torch.Tensor, config: CornerConfig, generator: torch.Generator) -> torch.Tensor:
    """Return the corners of an image and how reliable they are.

    Args:
        image: (3, h, w) uint8, on any device.
        config: settings.
        generator: decides the warps; on the CPU.

    Returns:
        (N, 3) float32 on the CPU: x, y in pixels, reliability in [0, 1].
    """
    gray = image.float().mean(0)[None] / 255
    share = reliability_map(gray[0], config, generator)
    peaks = local_maxima(_smoothed(share[None]), threshold=0.0, radius_px=config.radius_px)[0]
    y, x = torch.nonzero(peaks & (share >= config.smallest_reliability), as_tuple=True)
    return torch.stack([x.float(), y.float(), share[y, x]], dim=1).cpu()


def reliability_map(gray: torch.Tensor, config: CornerConfig, generator: torch.Generator) -> torch.Tensor:
    """Return for each pixel the share of copies, the image itself included, with a corner within the tolerance.

    Args:
        gray: (h, w) float32 in [0, 1].
        config: settings.
        generator: decides the warps.

    Returns:
        (h, w) float32 in [0, 1].
    """
    height, width = gray.shape
    found = _widened(corner_mask(gray[None], config)[0], config.tolerance_px)
    seen = torch.ones_like(gray)
    for _ in range(config.warps):
        image_from_copy = _warp_of_image(generator, height, width)
        copy, _ = _resample(gray, image_from_copy)
        corners = _widened(corner_mask(copy[None], config)[0], config.tolerance_px)
        back, inside = _resample(corners, torch.linalg.inv(image_from_copy))
        found = found + (back > 0.5).float() * inside
        seen = seen + inside
    return found / seen


def corner_mask(gray: torch.Tensor, config: CornerConfig) -> torch.Tensor:
    """Mark the corners of (B, h, w) images."""
    relative = corner_response(gray)
    return local_maxima(relative, threshold=config.threshold, radius_px=config.radius_px)


def corner_response(gray: torch.Tensor) -> torch.Tensor:
    """Return the smaller eigenvalue of the structure tensor over the mean of its surroundings, (B, h, w)."""
    padded = F.pad(gray[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    xx, yy, xy = (_smoothed(product) for product in (across * across, down * down, across * down))
    half = (xx + yy) / 2
    smaller = half - torch.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    side = 2 * _SURROUNDING_PX + 1
    around = F.avg_pool2d(half[:, None], side, 1, _SURROUNDING_PX, count_include_pad=False)[:, 0]
    return smaller / (around + _FLOOR)


def _smoothed(values: torch.Tensor) -> torch.Tensor:
    """Smooth (B, h, w) by a binomial of five taps along both axes."""
    taps = values.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    padded = F.pad(values[:, None], (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, taps.view(1, 1, 1, 5)), taps.view(1, 1, 5, 1))[:, 0]


def _widened(mask: torch.Tensor, radius: int) -> torch.Tensor:
    return F.max_pool2d(mask[None].float(), 2 * radius + 1, 1, radius)[0]


def _warp_of_image(generator: torch.Generator, height: int, width: int) -> torch.Tensor:
    """Draw image_from_copy: a homography of a square, stretched to the image."""
    config = WarpConfig(scale=1.3, rotation_deg=25.0, perspective=0.15, shift=0.05)
    square = companion(generator, 100, config)
    source = torch.tensor([[0.0, 0.0], [99.0, 0.0], [99.0, 99.0], [0.0, 99.0]], dtype=torch.float64)
    scale = torch.tensor([(width - 1) / 99, (height - 1) / 99], dtype=torch.float64)
    return from_four_points(source * scale, map_points(square, source) * scale)


def _resample(values: torch.Tensor, source_from_target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (h, w) values seen through a homography, and 1 where they come from inside."""
    height, width = values.shape
    place = map_points(source_from_target, pixel_grid(height, width)).float().to(values.device)
    grid = ((2 * place + 1) / place.new_tensor([width, height]) - 1)[None]
    inside = (grid.abs() <= 1).all(-1)[0].float()
    return F.grid_sample(values[None, None], grid, align_corners=False, padding_mode="border")[0, 0], inside
