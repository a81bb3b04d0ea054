# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What weather does to surfaces: water, puddles, snow, fallen leaves."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.lighting import Samples
    from sfd2_lab.simulation.tiled_noise import TiledNoise

_PUDDLE_TEXELS_PER_M = 26.0
_LEAF_TEXELS_PER_M = 55.0
_LEAF_COLOURS = ((0.50, 0.26, 0.05), (0.36, 0.12, 0.03), (0.30, 0.22, 0.08))


def weathered(
    samples: Samples, condition: Condition, fields: tuple[TiledNoise, TiledNoise], footprint: torch.Tensor
) -> Samples:
    """Return samples with the colour that their surfaces have in this weather.

    Args:
        samples: dry, clean surfaces; on the ground their mask says how often wheels and feet pass.
        condition: the weather.
        fields: fine and smooth noise.
        footprint: (M,) size of the pixel on the surface, metres.
    """
    if condition.wetness > 0:
        samples = _wet(samples, condition.wetness)
    if condition.litter > 0:
        samples = _littered(samples, condition.litter, fields[0], footprint)
    if condition.snow > 0:
        samples = _snowy(samples, condition.snow, fields, footprint)
    return samples


def puddles(samples: Samples, wetness: float, smooth: TiledNoise, footprint: torch.Tensor) -> torch.Tensor:
    """Return how smooth the water on the ground is, (M,) in [0, 1]: 1 in puddles, 0 off the ground."""
    x, y = samples.position[:, 0] * _PUDDLE_TEXELS_PER_M, samples.position[:, 1] * _PUDDLE_TEXELS_PER_M
    low = smooth.at(x, y, footprint * _PUDDLE_TEXELS_PER_M)
    is_ground = (samples.finish[:, 2] > 0).to(torch.float32)
    return torch.clamp(0.28 + 0.9 * torch.clamp(low - 0.55, min=0.0), max=1.0) * is_ground * wetness


def _wet(samples: Samples, wetness: float) -> Samples:
    """Darken what has soaked up water: the ground most, walls a little."""
    is_ground = (samples.finish[:, 2] > 0).to(torch.float32)
    factor = 1 - wetness * (0.14 + 0.34 * is_ground)
    return dataclasses.replace(samples, albedo=samples.albedo * factor[:, None])


def _littered(samples: Samples, share: float, fine: TiledNoise, footprint: torch.Tensor) -> Samples:
    """Strew leaves over the ground, fewer where wheels pass."""
    x, y = samples.position[:, 0] * _LEAF_TEXELS_PER_M, samples.position[:, 1] * _LEAF_TEXELS_PER_M
    wide = footprint * _LEAF_TEXELS_PER_M
    heap = fine.at(x * 0.05 + 40, y * 0.05 + 90, wide * 0.05)
    speckle = fine.at(x, y, wide)
    is_ground = (samples.finish[:, 2] > 0).to(torch.float32)
    level = 2.1 - 2.6 * share * (1 - 0.75 * samples.mask) - 0.5 * heap
    # Far away single leaves melt into their average, which the sharp threshold would lose.
    softness = torch.clamp(0.25 + wide * 0.25, max=1.2)
    cover = torch.clamp((speckle - level) / softness + 0.5, 0, 1) * is_ground
    tint = fine.at(x * 0.7 + 211, y * 0.7 + 57, wide)
    first, second, third = (torch.tensor(colour, dtype=torch.float32, device=x.device) for colour in _LEAF_COLOURS)
    warm = torch.clamp(tint + 0.5, 0, 1)[:, None]
    brown = torch.clamp(0.3 - tint, 0, 1)[:, None]
    colour = second + (first - second) * warm
    colour = colour + (third - colour) * brown
    return dataclasses.replace(samples, albedo=samples.albedo + (colour - samples.albedo) * cover[:, None])


def _snowy(samples: Samples, depth: float, fields: tuple[TiledNoise, TiledNoise], footprint: torch.Tensor) -> Samples:
    """Lay snow on what faces up, thin where wheels and feet pass, and blow some onto walls."""
    fine, smooth = fields
    up = samples.normal[:, 2]
    x, y, z = samples.position[:, 0], samples.position[:, 1], samples.position[:, 2]
    drift = smooth.at(x * 18, y * 18, footprint * 18)
    grain = fine.at(x * 30 + z * 11, y * 30 + z * 17, footprint * 30)
    is_ground = samples.finish[:, 2] > 0
    lying = depth * 2.0 - 0.95 + 0.35 * drift + 0.12 * grain
    lying = torch.where(is_ground, lying - samples.mask * (0.75 + 0.45 * depth), lying + 0.25)
    blown = 0.9 * depth - 1.95 + 0.55 * fine.at((x + y) * 9, z * 9 + 77, footprint * 9)
    cover = torch.where(up > 0.25, lying * 2.2, blown)
    cover = torch.clamp(cover, 0, 0.96)[:, None]
    white = torch.tensor((0.80, 0.83, 0.88), dtype=torch.float32, device=x.device)
    tone = torch.clamp(1 + 0.05 * drift + 0.05 * grain, 0.7, 1.1)[:, None]
    albedo = samples.albedo + (white * tone - samples.albedo) * cover
    # Snow neither shines nor lets light through.
    return dataclasses.replace(samples, albedo=albedo, mask=samples.mask * (1 - cover[:, 0]))
