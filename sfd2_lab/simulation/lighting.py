# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Light that reaches surfaces: sky, street lamps, headlights, and what surfaces give off or mirror."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.occlusion import share_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.shadows import ShadowMap
    from sfd2_lab.simulation.stage import Moment

_LAMPS_AT_ONCE = 14
_LAMP_REACH_M = 60.0
_MOVER_REACH_M = 70.0
_HEADLIGHT_PLACES_M = ((1.9, 0.6, 0.65), (1.9, -0.6, 0.65))


@dataclass(frozen=True, eq=False)
class Samples:
    """What is seen at M places of an image, float32 unless said otherwise.

    Attributes:
        position: (M, 3) metres in the world.
        direction: (M, 3) from the eye, unit length.
        normal: (M, 3) unit, towards the eye.
        relief: (M, 3) that normal tilted by bumps, not quite unit; what faces a light by it is brighter.
        albedo: (M, 3) linear.
        mask: (M,) the texture's mask.
        emission: (M, 3) of the surface.
        finish: (M, 3) gloss, shade, ground.
        label: (M,) int64.
    """

    position: torch.Tensor
    direction: torch.Tensor
    normal: torch.Tensor
    relief: torch.Tensor
    albedo: torch.Tensor
    mask: torch.Tensor
    emission: torch.Tensor
    finish: torch.Tensor
    label: torch.Tensor


@dataclass(frozen=True, eq=False)
class Lamps:
    """Street lamps and other small lights.

    Attributes:
        position: (L, 3) metres.
        power: (L, 3) light at one metre below, linear RGB.
    """

    position: NDArray[np.float64]
    power: NDArray[np.float64]

    def nearest(self, place: NDArray[np.float64]) -> Lamps:
        """Return the few lamps that matter around a place (3,)."""
        distance = np.linalg.norm(self.position - place, axis=1)
        order = np.argsort(distance, kind="stable")[:_LAMPS_AT_ONCE]
        order = order[distance[order] < _LAMP_REACH_M]
        return Lamps(self.position[order], self.power[order])


def diffuse_sky(
    samples: Samples, condition: Condition, ground_share: torch.Tensor, origin: tuple[float, float]
) -> torch.Tensor:
    """Return the light (M, 3) from the whole sky, weaker between walls, under cars and in recesses."""
    height, up = samples.position[:, 2], samples.relief[:, 2]
    share = share_at(ground_share, origin, samples.position[:, 0], samples.position[:, 1])
    is_low = torch.clamp(1 - height * 0.6, 0, 1)
    canyon = torch.clamp(0.62 + 0.045 * height, max=1.0)
    seen = torch.clamp(0.58 + 0.42 * up, min=0.1) * (canyon + (share - canyon) * is_low * torch.clamp(up + 0.4, 0, 1))
    # The sky is a little brighter on one side, else walls of all directions look alike.
    side = 1 + 0.13 * samples.relief[:, 0] + 0.07 * samples.relief[:, 1]
    bounce = 0.10 * torch.clamp(0.6 - 0.4 * up, min=0.0)
    light = (seen * side + bounce) * samples.finish[:, 1]
    colour = torch.tensor(condition.sky_light, dtype=torch.float32, device=light.device)
    return light[:, None] * colour


def diffuse_indoors(samples: Samples, condition: Condition) -> torch.Tensor:
    """Return the light (M, 3) that walls scatter: nearly the same from everywhere, a bit more on what faces up."""
    side = 0.72 + 0.1 * samples.relief[:, 2] + 0.06 * samples.relief[:, 0] + 0.03 * samples.relief[:, 1]
    colour = torch.tensor(condition.sky_light, dtype=torch.float32, device=side.device)
    return (side * samples.finish[:, 1])[:, None] * colour


def lamp_light(samples: Samples, lamps: Lamps, share: float) -> torch.Tensor:
    """Return the light (M, 3) of street lamps, which shine downwards."""
    total = torch.zeros_like(samples.position)
    for place, power in zip(lamps.position.tolist(), lamps.power.tolist(), strict=True):
        away = [place[axis] - samples.position[:, axis] for axis in range(3)]
        square = away[0] * away[0] + away[1] * away[1] + away[2] * away[2] + 0.05
        inverse = 1 / torch.sqrt(square)
        slope = away[2] * inverse
        facing = sum(away[axis] * samples.relief[:, axis] for axis in range(3)) * inverse
        # Bright below, dim to the side, a little upwards from the glowing housing.
        beam = torch.clamp(slope + 0.12, min=0.0) * 0.9 + 0.04
        strength = torch.clamp(torch.as_tensor(facing), min=0.0) * beam / square * share
        total += strength[:, None] * torch.tensor(power, dtype=torch.float32, device=total.device)
    return total * (0.4 + 0.6 * samples.finish[:, 1:2])


def headlight_light(samples: Samples, world_from_base: NDArray[np.float64], share: float = 1.0) -> torch.Tensor:
    """Return the light (M, 3) of the own car's dipped headlights."""
    total = torch.zeros_like(samples.position[:, 0])
    axes = world_from_base[:3, :3].T.tolist()
    for place in _HEADLIGHT_PLACES_M:
        lamp = (world_from_base[:3, :3] @ np.array(place) + world_from_base[:3, 3]).tolist()
        away = [samples.position[:, axis] - lamp[axis] for axis in range(3)]
        ahead, left, up = (sum(away[k] * axis[k] for k in range(3)) for axis in axes)
        ahead = torch.clamp(torch.as_tensor(ahead), min=0.05)
        across, rise = left / ahead, up / ahead
        square = away[0] * away[0] + away[1] * away[1] + away[2] * away[2]
        facing = -sum(away[axis] * samples.relief[:, axis] for axis in range(3)) / torch.sqrt(square)
        wide = 1 + (across * across) * 2.2
        above = torch.clamp(rise + 0.01, min=0.0) * 16
        tall = 1 + rise * rise * 22 + above * above
        total += torch.clamp(torch.as_tensor(facing), min=0.0) * 42 * share / (square * wide * wide * tall)
    colour = torch.tensor((1.0, 0.95, 0.85), dtype=torch.float32, device=total.device)
    return torch.clamp(total, max=3.0)[:, None] * colour


def below_movers(samples: Samples, moment: Moment) -> torch.Tensor:
    """Return the fraction (M, 1) of light from above that moving things leave to the ground beside and below them."""
    share = torch.ones_like(samples.mask)
    is_ground = samples.finish[:, 2] > 0
    eye = moment.world_from_base[:2, 3]
    for pose, footprint in moment.movers:
        if np.linalg.norm(pose[:2, 3] - eye) > _MOVER_REACH_M:
            continue
        (x_axis, y_axis), (x, y) = pose[:2, :2].T.tolist(), pose[:2, 3].tolist()
        dx, dy = samples.position[:, 0] - x, samples.position[:, 1] - y
        half_x, half_y = footprint.max(0).tolist()
        along = (dx * x_axis[0] + dy * x_axis[1]).abs()
        across = (dx * y_axis[0] + dy * y_axis[1]).abs()
        cover = torch.clamp((half_x + 0.3 - along) / 0.6, 0, 1) * torch.clamp((half_y + 0.3 - across) / 0.6, 0, 1)
        share = share * torch.where(is_ground, 1 - 0.88 * cover, torch.ones_like(cover))
    return share[:, None]


def sun_light(
    samples: Samples, condition: Condition, towards_sun: NDArray[np.float64], shadows: ShadowMap
) -> torch.Tensor:
    """Return the light (M, 3) of the sun where nothing stands in its way."""
    x, y, z = towards_sun.tolist()
    facing = torch.clamp(samples.relief[:, 0] * x + samples.relief[:, 1] * y + samples.relief[:, 2] * z, min=0.0)
    # Leaves let light through and have no one side.
    is_leafy = (samples.label == classes.TREE).to(torch.float32)
    facing = facing + (0.45 - facing) * is_leafy
    arriving = torch.zeros_like(facing)
    towards = torch.nonzero(facing > 0)[:, 0]
    arriving[towards] = facing[towards] * shadows.lit(samples.position[towards], samples.normal[towards])
    colour = torch.tensor(condition.sun_light, dtype=torch.float32, device=facing.device)
    return arriving[:, None] * colour


def emitted(samples: Samples, condition: Condition) -> torch.Tensor:
    """Return the light (M, 3) that lit windows, signs and lamps give off."""
    pattern = 0.25 + 0.75 * samples.albedo
    glow = samples.emission * pattern * samples.mask[:, None]
    is_window = (samples.label == classes.WINDOW).to(torch.float32)[:, None]
    share = condition.lamp_share + (min(1.0, condition.window_share * 4) - condition.lamp_share) * is_window
    return glow * share


def mirrored_share(samples: Samples) -> torch.Tensor:
    """Return the fraction (M,) of mirror reflection: gloss where the mask is set, more at grazing angles."""
    facing = torch.clamp(-_along(samples.direction, samples.normal), 0, 1)
    grazing = 1 - facing
    square = grazing * grazing
    return samples.finish[:, 0] * samples.mask * (0.13 + 0.87 * square * square * grazing)


def _along(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]
