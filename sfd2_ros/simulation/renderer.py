# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a stage and a camera to light, depth, classes and instances of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.transforms import inverse
from sfd2_ros.simulation import classes
from sfd2_ros.simulation.lighting import (
    Samples,
    diffuse_sky,
    emitted,
    headlight_light,
    lamp_light,
    mirrored_share,
)
from sfd2_ros.simulation.picture import PicturePlan, SurfaceTable, plan_picture
from sfd2_ros.simulation.sampling import lookup
from sfd2_ros.simulation.sky import sky_radiance
from sfd2_ros.simulation.surfaces import rotated
from sfd2_ros.simulation.visibility import NEAREST_M, NOTHING, nearest_surface, perspective_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.simulation.conditions import Condition
    from sfd2_ros.simulation.stage import Stage
    from sfd2_ros.simulation.surfaces import Surfaces

_FARTHEST_M = 260.0
_ROUGHNESS_TEXELS_PER_M = 160.0


@dataclass(frozen=True, eq=False)
class Picture:
    """What one camera sees.

    Attributes:
        light: (h, w, 3) float32 linear, before any camera effect; 1 = white paper under overcast sky.
        depth_m: (h, w) float32 along the optical axis at pixel centres, infinite in the sky.
        labels: (h, w) uint8 class ids.
        instances: (h, w) int32 object numbers, 0 the sky.
    """

    light: torch.Tensor
    depth_m: NDArray[np.float32]
    labels: NDArray[np.uint8]
    instances: NDArray[np.int32]


class Renderer:
    """Draws a stage under one condition."""

    def __init__(self, stage: Stage, condition: Condition, device: torch.device) -> None:
        self._stage = stage
        self._condition = condition
        self._device = device
        self._ground_share, self._ground_origin = stage.occlusion.on(device)

    def draw(
        self,
        camera: Camera,
        world_from_cam: NDArray[np.float64],
        world_from_base: NDArray[np.float64],
        time_s: float,
    ) -> Picture:
        """Draw one picture.

        Args:
            camera: intrinsics without distortion.
            world_from_cam: (4, 4) of the optical frame.
            world_from_base: (4, 4) of the vehicle, for its headlights.
            time_s: time in the session; what moves moves by it.
        """
        surfaces = _culled(self._stage.surfaces_at(time_s), camera, inverse(world_from_cam), world_from_cam)
        atlas = self._stage.atlas
        atlas.require(np.unique(surfaces.texture[surfaces.is_cutout]).tolist())
        table = SurfaceTable.make(surfaces, world_from_cam, self._device)
        centre, nearness = self._visible(table, camera, 1)
        fine, _ = self._visible(table, camera, 2)
        plan = plan_picture(fine, centre, camera, world_from_cam)
        # Only what is seen is painted: most of a town stands behind its first row of houses.
        seen = torch.unique(plan.surface).cpu().numpy()
        atlas.require(np.unique(surfaces.texture[seen[seen != NOTHING]]).tolist())
        light = self._light(table, plan, world_from_cam, world_from_base)
        return self._picture(table, centre, nearness, plan.resolve(light))

    def _visible(self, table: SurfaceTable, camera: Camera, side: int) -> tuple[torch.Tensor, torch.Tensor]:
        shift = (side - 1) / 2
        intrinsics = (
            camera.fx * side,
            camera.fy * side,
            camera.cx * side + shift,
            camera.cy * side + shift,
        )
        size = (camera.height * side, camera.width * side)
        outlines = perspective_outlines(table.corners_in_cam, intrinsics, size[0])

        def is_solid(
            surface: torch.Tensor, column: torch.Tensor, row: torch.Tensor, closeness: torch.Tensor
        ) -> torch.Tensor:
            fx, fy, cx, cy = intrinsics
            x, y = (column.to(torch.float32) - cx) / fx, (row.to(torch.float32) - cy) / fy
            return table.is_solid(self._stage.atlas, surface, (x, y), 1 / closeness, 1 / fx)

        return nearest_surface(outlines, size, table.is_cutout, is_solid)

    def _light(
        self,
        table: SurfaceTable,
        plan: PicturePlan,
        world_from_cam: NDArray[np.float64],
        world_from_base: NDArray[np.float64],
    ) -> torch.Tensor:
        """Return the light (M, 3) of all shading places of a plan."""
        light = torch.zeros((len(plan.surface), 3), dtype=torch.float32, device=self._device)
        is_sky = plan.surface == NOTHING
        sky, solid = torch.nonzero(is_sky)[:, 0], torch.nonzero(~is_sky)[:, 0]
        light[sky] = self._sky(_unit(plan.ray[sky]))
        if len(solid):
            light[solid] = self._shaded(table, plan, solid, world_from_cam, world_from_base)
        return light

    def _sky(self, direction: torch.Tensor) -> torch.Tensor:
        return sky_radiance(direction, self._condition, self._stage.clouds, self._stage.cloud_drift)

    def _shaded(
        self,
        table: SurfaceTable,
        plan: PicturePlan,
        solid: torch.Tensor,
        world_from_cam: NDArray[np.float64],
        world_from_base: NDArray[np.float64],
    ) -> torch.Tensor:
        samples, depth = self._samples(table, plan, solid, world_from_cam)
        condition = self._condition
        arriving = diffuse_sky(samples, condition, self._ground_share, self._ground_origin)
        if condition.lamp_share > 0:
            eye_ahead = world_from_cam[:3, 3] + 12 * world_from_cam[:3, 2]
            arriving = arriving + lamp_light(samples, self._stage.lamps.nearest(eye_ahead), condition.lamp_share)
        if condition.has_headlights:
            arriving = arriving + headlight_light(samples, world_from_base)
        mirror = mirrored_share(samples)[:, None]
        light = samples.albedo * arriving * (1 - mirror) + emitted(samples, condition)
        shiny = torch.nonzero(mirror[:, 0] > 0.004)[:, 0]
        direction, normal = samples.direction[shiny], samples.normal[shiny]
        reflected = self._sky(direction - 2 * _dot(direction, normal)[:, None] * normal) * 0.8
        light[shiny] += reflected * mirror[shiny]
        haze = torch.clamp(depth * condition.haze_per_m, max=0.9)[:, None]
        horizon = torch.tensor(condition.horizon, dtype=torch.float32, device=light.device)
        return light + (horizon - light) * haze

    def _samples(
        self, table: SurfaceTable, plan: PicturePlan, solid: torch.Tensor, world_from_cam: NDArray[np.float64]
    ) -> tuple[Samples, torch.Tensor]:
        surface, ray = plan.surface[solid], plan.ray[solid]
        place = table.intersect(surface, ray, plan.step_x, plan.step_y)
        dither = plan.dither[solid]
        texture = table.texture[surface]
        albedo, mask = lookup(self._stage.atlas, texture, place.at, place.footprint, dither)
        wide = torch.maximum(*place.footprint) * _ROUGHNESS_TEXELS_PER_M
        shift = (texture * 131 % 509).to(torch.float32)
        rough = self._stage.roughness.at(
            place.at[0] * _ROUGHNESS_TEXELS_PER_M + shift, place.at[1] * _ROUGHNESS_TEXELS_PER_M + 2 * shift, wide
        )
        albedo = albedo * torch.clamp(1 + 0.16 * rough, 0.3, 1.8)[:, None]
        eye = torch.tensor(world_from_cam[:3, 3], dtype=torch.float32, device=self._device)
        samples = Samples(
            position=eye + ray * place.depth[:, None],
            direction=_unit(ray),
            normal=place.normal,
            albedo=albedo,
            mask=mask,
            emission=table.emission[surface],
            finish=table.finish[surface],
            label=table.label[surface],
        )
        return samples, place.depth

    def _picture(
        self, table: SurfaceTable, centre: torch.Tensor, nearness: torch.Tensor, light: torch.Tensor
    ) -> Picture:
        is_sky = centre == NOTHING
        index = torch.clamp(centre, min=0)
        labels = torch.where(is_sky, torch.full_like(centre, classes.SKY), _pick(table.label, index))
        instances = torch.where(is_sky, torch.zeros_like(centre), _pick(table.instance, index))
        depth = torch.where(is_sky, torch.full_like(nearness, torch.inf), 1 / torch.clamp(nearness, min=1e-6))
        return Picture(
            light=light,
            depth_m=depth.cpu().numpy(),
            labels=labels.to(torch.uint8).cpu().numpy(),
            instances=instances.to(torch.int32).cpu().numpy(),
        )


def _culled(
    surfaces: Surfaces, camera: Camera, cam_from_world: NDArray[np.float64], world_from_cam: NDArray[np.float64]
) -> Surfaces:
    """Return the surfaces that can be in the picture: ahead, near enough, inside its borders, facing it."""
    corners = rotated(surfaces.corners, cam_from_world[:3, :3]) + cam_from_world[:3, 3]
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    left, right = -(camera.cx + 1) / camera.fx, (camera.width - camera.cx) / camera.fx
    top, bottom = -(camera.cy + 1) / camera.fy, (camera.height - camera.cy) / camera.fy
    is_outside = (z < NEAREST_M).all(1) | (z > _FARTHEST_M).all(1) | (x < left * z).all(1) | (x > right * z).all(1)
    is_outside |= (y < top * z).all(1) | (y > bottom * z).all(1)
    towards = world_from_cam[:3, 3] - surfaces.corners[:, 0]
    faces = (surfaces.normals() * towards).sum(1) > 0
    return surfaces.select(np.nonzero(~is_outside & (faces | surfaces.is_double_sided))[0])


def _pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return values[index] if len(values) else torch.zeros_like(index)


def _dot(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / torch.sqrt(_dot(vectors, vectors))[:, None]
