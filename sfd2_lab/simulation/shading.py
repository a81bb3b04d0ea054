# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The light that comes from what is seen, under one condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_lab.simulation.lighting import (
    Samples,
    below_movers,
    diffuse_indoors,
    diffuse_sky,
    emitted,
    headlight_light,
    lamp_light,
    mirrored_share,
    sun_light,
)
from sfd2_lab.simulation.shadows import ShadowMap, direction_of
from sfd2_lab.simulation.sky import sky_radiance
from sfd2_lab.simulation.weather import puddles, weathered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.stage import Moment, Stage
    from sfd2_lab.simulation.view import Seen


_INDOOR_HEADLIGHT = 0.06


class Shader:
    """Knows the light of one stage under one condition."""

    def __init__(self, stage: Stage, condition: Condition, device: torch.device) -> None:
        self._stage, self._condition, self._device = stage, condition, device
        self._ground_share, self._ground_origin = stage.occlusion.on(device)
        self._shadows: ShadowMap | None = None
        if condition.sun is not None:
            self._shadows = ShadowMap(stage.still, direction_of(*condition.sun), stage.atlas)

    def sky(self, direction: torch.Tensor) -> torch.Tensor:
        """Return the light (M, 3) from directions (M, 3) of the sky."""
        return sky_radiance(direction, self._condition, self._stage.clouds, self._stage.cloud_drift)

    def light(
        self,
        seen: Seen,
        eye: NDArray[np.float64],
        moment: Moment,
        mirrored: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the light (M, 3) from what is seen to the eye.

        Args:
            seen: surfaces at M places of an image.
            eye: (4, 4) world_from_cam.
            moment: where the vehicle and other moving things are.
            mirrored: (M, 3) light from what wet ground mirrors at each place, or None.
        """
        condition, stage = self._condition, self._stage
        samples = weathered(seen.samples, condition, (stage.roughness, stage.clouds), seen.footprint)
        arriving = self._arriving(samples, eye, moment)
        mirror = mirrored_share(samples)[:, None]
        light = samples.albedo * arriving * (1 - mirror) + emitted(samples, condition)
        shiny = torch.nonzero(mirror[:, 0] > 0.004)[:, 0]
        direction, normal = samples.direction[shiny], samples.normal[shiny]
        twice = 2 * (direction * normal).sum(1, keepdim=True)
        light[shiny] += self.sky(direction - twice * normal) * 0.8 * mirror[shiny]
        if mirrored is not None:
            light = self._wet(light, samples, seen.footprint, mirrored)
        haze = torch.clamp(seen.depth * condition.haze_per_m, max=0.85)[:, None]
        horizon = torch.tensor(condition.horizon, dtype=torch.float32, device=light.device)
        return light + (horizon - light) * haze

    def _arriving(self, samples: Samples, eye: NDArray[np.float64], moment: Moment) -> torch.Tensor:
        condition, stage = self._condition, self._stage
        if stage.is_indoor:
            arriving = diffuse_indoors(samples, condition)
        else:
            arriving = diffuse_sky(samples, condition, self._ground_share, self._ground_origin)
        if self._shadows is not None and condition.sun is not None:
            arriving = arriving + sun_light(samples, condition, direction_of(*condition.sun), self._shadows)
        arriving = arriving * below_movers(samples, moment)
        if condition.lamp_share > 0:
            ahead = eye[:3, 3] + 12 * eye[:3, 2]
            arriving = arriving + lamp_light(samples, stage.lamps.nearest(ahead), condition.lamp_share)
        if condition.has_headlights:
            arriving = arriving + headlight_light(
                samples, moment.world_from_base, _INDOOR_HEADLIGHT if stage.is_indoor else 1.0
            )
        return arriving

    def _wet(
        self, light: torch.Tensor, samples: Samples, footprint: torch.Tensor, mirrored: torch.Tensor
    ) -> torch.Tensor:
        """Mix in what water on the ground mirrors, more at grazing angles and in puddles."""
        water = puddles(samples, self._condition.wetness, self._stage.clouds, footprint)
        grazing = 1 - torch.clamp(-(samples.direction * samples.normal).sum(1), 0, 1)
        square = grazing * grazing
        share = torch.clamp((0.04 + 0.96 * square * square * grazing) * water * 1.5, max=0.9)[:, None]
        return light * (1 - share) + mirrored * share
