# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reading filtered colours out of a `TextureAtlas`, with elementwise exact operations only.

No logarithm, power or matrix product: those differ in the last bit between vector and scalar code, hence between
numbers of threads.
"""

from __future__ import annotations

import torch

from sfd2_lab.simulation.atlas import LEVELS, TextureAtlas


def binary_level(footprint: torch.Tensor) -> torch.Tensor:
    """Return about log2 of a footprint in texels, piecewise linear, at least 0."""
    mantissa, exponent = torch.frexp(torch.clamp(footprint, min=1.0))
    return exponent.to(torch.float32) - 2 + 2 * mantissa


def lookup(
    atlas: TextureAtlas,
    texture: torch.Tensor,
    at: tuple[torch.Tensor, torch.Tensor],
    footprint: tuple[torch.Tensor, torch.Tensor],
    dither: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Read filtered texture colours.

    Args:
        atlas: the textures; those asked for are painted.
        texture: (M,) int64 numbers.
        at: two (M,) float32, texture coordinates u to the right and v up in metres.
        footprint: two (M,) float32, extent of the pixel along u and v in metres.
        dither: (M,) float32 in [0, 1); spreads the change between two levels over neighbouring pixels.

    Returns:
        (M, 3) linear albedo and (M,) mask, float32 in [0, 1].
    """
    texels, offsets, shapes = atlas.tables()
    shape = shapes.index_select(0, texture)
    density = shape[:, 2]
    level_u = torch.clamp(binary_level(footprint[0] * density) + dither - 0.25, 0, LEVELS - 1).to(torch.int64)
    level_v = torch.clamp(binary_level(footprint[1] * density) + dither - 0.25, 0, LEVELS - 1).to(torch.int64)
    start = offsets.reshape(-1).index_select(0, texture * (LEVELS * LEVELS) + level_v * LEVELS + level_u)
    left, right, weight_u, width = _neighbours(at[0] * density, shape[:, 0], level_u)
    low, high, weight_v, _ = _neighbours(at[1] * density, shape[:, 1], level_v)
    low, high = start + low * width, start + high * width
    near = _mixed(
        _unpacked(texels.index_select(0, low + left)), _unpacked(texels.index_select(0, low + right)), weight_u
    )
    far = _mixed(
        _unpacked(texels.index_select(0, high + left)), _unpacked(texels.index_select(0, high + right)), weight_u
    )
    colour = _mixed(near, far, weight_v)
    return colour[:, :3] * colour[:, :3], colour[:, 3]


def _neighbours(
    position: torch.Tensor, size: torch.Tensor, level: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the two texels around a position at a level, the weight of the second, and the size at that level."""
    cells = size.to(torch.int64)
    halvings = torch.minimum(level, _times_halved(cells))
    scale = torch.ldexp(torch.ones_like(position), -halvings)
    last = (cells >> halvings) - 1
    place = torch.clamp(position * scale - 0.5, min=0.0)
    place = torch.minimum(place, last.to(torch.float32))
    first = place.to(torch.int64)
    return first, torch.minimum(first + 1, last), place - first.to(torch.float32), last + 1


def _times_halved(cells: torch.Tensor) -> torch.Tensor:
    """Return how often a size can be halved without rest."""
    lowest = cells & -cells
    exponent = torch.frexp(lowest.to(torch.float32))[1]
    return exponent.to(torch.int64) - 1


def _unpacked(texels: torch.Tensor) -> torch.Tensor:
    """Turn (M,) int32 texels into (M, 4) float32."""
    return texels.view(torch.uint8).reshape(-1, 4).to(torch.float32) * (1 / 255)


def _mixed(first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return first + (second - first) * weight[:, None]
