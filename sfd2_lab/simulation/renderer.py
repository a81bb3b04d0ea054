# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a stage and a camera to light, depth, classes and instances of every pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.shading import Shader
from sfd2_lab.simulation.view import View, look, seen_at
from sfd2_lab.simulation.visibility import NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.stage import Moment, Stage
    from sfd2_lab.simulation.surfaces import Surfaces
    from sfd2_ros.core.types import Camera

_BELOW_GROUND = np.diag([1.0, 1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Picture:
    """What one camera sees.

    Attributes:
        light: (h, w, 3) float32 linear, before any camera effect; 1 = white paper under overcast sky.
        depth_m: (h, w) float32 along the optical axis at pixel centres, infinite in the sky.
        labels: (h, w) uint8 class ids.
        instances: (h, w) int32 object numbers, 0 the sky.
    """

    light: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    labels: NDArray[np.uint8]
    instances: NDArray[np.int32]


class Renderer:
    """Draws a stage under one condition."""

    def __init__(self, stage: Stage, condition: Condition, device: torch.device) -> None:
        self._stage = stage
        self._device = device
        self._is_wet = condition.wetness > 0
        self._shader = Shader(stage, condition, device)

    def draw(
        self,
        camera: Camera,
        world_from_cam: NDArray[np.float64],
        world_from_base: NDArray[np.float64],
        time_s: float,
    ) -> Picture:
        """Draw one image.

        Args:
            camera: intrinsics without distortion.
            world_from_cam: (4, 4) of the optical frame.
            world_from_base: (4, 4) of the vehicle, for its headlights.
            time_s: time in the session; what moves moves by it.
        """
        surfaces, moment = self._stage.surfaces_at(time_s), self._stage.moment(world_from_base, time_s)
        mirrored = self._mirrored(surfaces, camera, world_from_cam, moment) if self._is_wet else None
        view = look(self._stage, surfaces, camera, world_from_cam, is_fine=True)
        light = self._light(view, moment, mirrored)
        return _picture(view, light.cpu().numpy())

    def _light(self, view: View, moment: Moment, mirrored: torch.Tensor | None) -> torch.Tensor:
        """Return the light (h, w, 3) of a view; `mirrored` (h, w, 3) is what wet ground shows."""
        plan = view.plan
        light = torch.zeros((len(plan.surface), 3), dtype=torch.float32, device=self._device)
        is_sky = plan.surface == NOTHING
        sky, solid = torch.nonzero(is_sky)[:, 0], torch.nonzero(~is_sky)[:, 0]
        ray = plan.ray[sky]
        light[sky] = self._shader.sky(ray / torch.sqrt((ray * ray).sum(1, keepdim=True)))
        if len(solid):
            water = None if mirrored is None else mirrored.reshape(-1, 3)[plan.pixel[solid]]
            seen = seen_at(view, self._stage, solid)
            light[solid] = self._shader.light(seen, view.eye, moment, water)
        return plan.resolve(light)

    def _mirrored(
        self,
        surfaces: Surfaces,
        camera: Camera,
        world_from_cam: NDArray[np.float64],
        moment: Moment,
    ) -> torch.Tensor:
        """Return what a mirror on the ground would show, (h, w, 3), smeared as by a rough wet road."""
        half = replace(
            camera,
            width=(camera.width + 1) // 2,
            height=(camera.height + 1) // 2,
            fx=camera.fx / 2,
            fy=camera.fy / 2,
            cx=(camera.cx - 0.5) / 2,
            cy=(camera.cy - 0.5) / 2,
        )
        above = surfaces.select(surfaces.finish[:, 2] == 0)
        view = look(self._stage, above, half, _BELOW_GROUND @ world_from_cam, is_fine=False)
        light = self._light(view, moment, None).cpu().numpy()
        smeared = cv2.GaussianBlur(np.minimum(light, 6.0), (0, 0), sigmaX=0.8, sigmaY=5.0)
        full = cv2.resize(smeared, (2 * half.width, 2 * half.height), interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(np.ascontiguousarray(full[: camera.height, : camera.width])).to(self._device)


def _picture(view: View, light: NDArray[np.float32]) -> Picture:
    is_sky = view.centre == NOTHING
    index = torch.clamp(view.centre, min=0)
    labels = torch.where(is_sky, torch.full_like(index, classes.SKY), _pick(view.table.label, index))
    instances = torch.where(is_sky, torch.zeros_like(index), _pick(view.table.instance, index))
    depth = 1 / torch.clamp(view.nearness, min=1e-6)
    depth = torch.where(is_sky, torch.full_like(depth, torch.inf), depth)
    return Picture(
        light=light,
        depth_m=depth.cpu().numpy(),
        labels=labels.to(torch.uint8).cpu().numpy(),
        instances=instances.to(torch.int32).cpu().numpy(),
    )


def _pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return values[index] if len(values) else torch.zeros_like(index)
