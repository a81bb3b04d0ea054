# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Homographies of crops: sampled, applied, composed. Points are (x, y) in pixels with centres at integers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from sfd2_ros.core.config import setting


@dataclass(frozen=True)
class WarpConfig:
    """How far the two crops of a pair are apart."""

    scale: float = setting(1.5, "Crops are enlarged or reduced by up to this factor.", minimum=1.0, maximum=4.0)
    rotation_deg: float = setting(20.0, "Crops are turned by up to this angle, degrees.", minimum=0.0, maximum=180.0)
    perspective: float = setting(
        0.2, "Corners of the second crop move by up to this fraction of its side.", minimum=0.0, maximum=0.45
    )
    shift: float = setting(0.15, "The second crop moves by up to this fraction of its side.", minimum=0.0, maximum=0.9)


def pixel_grid(height: int, width: int) -> torch.Tensor:
    """Return the (height, width, 2) float64 pixel centres, x and y."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64), indexing="ij"
    )
    return torch.stack([x, y], dim=-1)


def map_points(homography: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Apply a (3, 3) homography to (..., 2) points."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return moved[..., :2] / moved[..., 2:]


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """Draw a number between two bounds."""
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def choose(generator: torch.Generator, count: int) -> int:
    """Draw a number from 0 to count - 1."""
    return int(torch.randint(count, (), generator=generator))


def log_uniform(generator: torch.Generator, factor: float) -> float:
    """Draw a factor between 1/factor and factor, its logarithm evenly."""
    return math.exp(uniform(generator, -math.log(factor), math.log(factor)))


def cut(generator: torch.Generator, size: tuple[int, int], crop_px: int, config: WarpConfig) -> torch.Tensor:
    """Draw view_from_crop of a first crop, which lies in the view as far as it fits.

    Args:
        generator: decides.
        size: (h, w) of the view, pixels.
        crop_px: side of the crop.
        config: scale and rotation.
    """
    largest = min(size) / crop_px
    factor = min(log_uniform(generator, config.scale), max(largest, 1 / config.scale))
    half = (crop_px - 1) / 2
    margin = [min((crop_px * factor - 1) / 2, (side - 1) / 2) for side in size]
    centre_y, centre_x = (uniform(generator, edge, side - 1 - edge) for edge, side in zip(margin, size, strict=True))
    return similarity(factor, 0.0, (half, half), (centre_x, centre_y))


def companion(generator: torch.Generator, crop_px: int, config: WarpConfig) -> torch.Tensor:
    """Draw first_from_second: pixels of a second crop to those of the first, around the same middle."""
    half = (crop_px - 1) / 2
    shift = [uniform(generator, -config.shift, config.shift) * crop_px for _ in range(2)]
    angle = math.radians(uniform(generator, -config.rotation_deg, config.rotation_deg))
    factor = log_uniform(generator, config.scale)
    turned = similarity(factor, angle, (half, half), (half + shift[0], half + shift[1]))
    return turned @ _random_perspective(generator, crop_px, config.perspective)


def similarity(factor: float, angle: float, source: tuple[float, float], target: tuple[float, float]) -> torch.Tensor:
    """Return the (3, 3) float64 similarity that takes one point to another, turning by an angle in radians."""
    cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
    x = target[0] - cosine * source[0] + sine * source[1]
    y = target[1] - sine * source[0] - cosine * source[1]
    return torch.tensor([[cosine, -sine, x], [sine, cosine, y], [0, 0, 1]], dtype=torch.float64)


def from_four_points(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the (3, 3) homography that takes four (4, 2) points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved = torch.linalg.solve(torch.tensor(rows, dtype=torch.float64), torch.tensor(values, dtype=torch.float64))
    return torch.cat([solved, solved.new_ones(1)]).view(3, 3)


def _random_perspective(generator: torch.Generator, crop_px: int, share: float) -> torch.Tensor:
    end = crop_px - 1.0
    corners = torch.tensor([[0.0, 0.0], [end, 0.0], [end, end], [0.0, end]], dtype=torch.float64)
    moved = corners + (torch.rand((4, 2), generator=generator, dtype=torch.float64) - 0.5) * share * crop_px
    return from_four_points(corners, moved)
