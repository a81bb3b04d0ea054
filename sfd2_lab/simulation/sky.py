# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sky by direction: a gradient and clouds, the same from every place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.tiled_noise import TiledNoise

_CLOUD_TEXELS = 55.0


def sky_radiance(
    direction: torch.Tensor, condition: Condition, clouds: TiledNoise, drift: tuple[float, float]
) -> torch.Tensor:
    """Return the light (M, 3) that comes from directions of the sky.

    Args:
        direction: (M, 3) float32, unit length, z up.
        condition: colours of the sky.
        clouds: field that the cloud layer is cut from.
        drift: where the clouds stand in this session, in texels of the field.
    """
    up = torch.clamp(direction[:, 2], min=0.0)
    zenith, horizon, cloud = (
        torch.tensor(colour, dtype=torch.float32, device=direction.device)
        for colour in (condition.zenith, condition.horizon, condition.cloud)
    )
    low = 1 - up
    gradient = (low * low * low)[:, None]
    clear = zenith + (horizon - zenith) * gradient
    stretch = _CLOUD_TEXELS / (up + 0.12)
    x, y = direction[:, 0] * stretch + drift[0], direction[:, 1] * stretch + drift[1]
    fine = torch.full_like(x, 0.0) + 1 / (up + 0.05)
    density = clouds.at(x, y, fine) + 0.5 * clouds.at(x * 3.1 + 91, y * 3.1 + 17, fine * 3)
    cover = torch.clamp((density * 0.6 + 2.6 * condition.cloud_cover - 1.3) * 1.2 + 0.5, 0, 1) * (
        0.3 + 0.7 * (1 - gradient[:, 0])
    )
    tone = torch.clamp(0.86 + 0.16 * density, 0.45, 1.25)[:, None]
    return clear + (cloud * tone - clear) * cover[:, None]
