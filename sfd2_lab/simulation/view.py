# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one camera pose sees of a stage: surfaces at every pixel, with colour, place and normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.simulation.lighting import Samples
from sfd2_lab.simulation.picture import PicturePlan, SurfaceTable, plan_picture, plan_plainly
from sfd2_lab.simulation.sampling import lookup
from sfd2_lab.simulation.surfaces import rotated
from sfd2_lab.simulation.visibility import NEAREST_M, NOTHING, nearest_surface, perspective_outlines
from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.stage import Stage
    from sfd2_lab.simulation.surfaces import Surfaces
    from sfd2_ros.core.types import Camera

_FARTHEST_M = 260.0
_ROUGHNESS_TEXELS_PER_M = 160.0
_ROUGHNESS = 0.09
# Unevenness of plaster and asphalt: its texels are larger by this, and how steep the fine and the large one are.
_UNEVEN = 0.11
_RELIEF = (0.10, 0.2)


@dataclass(frozen=True, eq=False)
class Seen:
    """Surfaces at M places of an image.

    Attributes:
        samples: place, normal, colour.
        depth: (M,) metres along the optical axis.
        footprint: (M,) size of the pixel on the surface, metres.
    """

    samples: Samples
    depth: torch.Tensor
    footprint: torch.Tensor


@dataclass(frozen=True, eq=False)
class View:
    """Geometry of one image.

    Attributes:
        table: the visible surfaces.
        centre: (h, w) int64 surface at each pixel's centre, NOTHING for the sky.
        nearness: (h, w) float32, 1 / depth there.
        plan: where to shade.
        eye: (4, 4) world_from_cam.
    """

    table: SurfaceTable
    centre: torch.Tensor
    nearness: torch.Tensor
    plan: PicturePlan
    eye: NDArray[np.float64]


def look(stage: Stage, surfaces: Surfaces, camera: Camera, eye: NDArray[np.float64], *, is_fine: bool) -> View:
    """Find what a camera sees, and paint its textures.

    Args:
        stage: for its textures.
        surfaces: all that there is.
        camera: intrinsics without distortion.
        eye: (4, 4) world_from_cam; may be a mirror image.
        is_fine: shade pixels on outlines four times.
    """
    device, atlas = stage.atlas.device, stage.atlas
    near = _culled(surfaces, camera, eye)
    atlas.require(np.unique(near.texture[near.is_cutout]).tolist())
    table = SurfaceTable.make(near, eye, device)
    centre, nearness = _visible(table, atlas, camera, 1)
    if is_fine:
        # What no pixel's centre shows is too small or hidden: half of all fragments that need not be drawn again.
        shown = _present(centre, len(near))
        fine, _ = _visible(table.select(shown), atlas, camera, 2)
        fine = torch.where(fine == NOTHING, fine, shown[torch.clamp(fine, min=0)] if len(shown) else fine)
        plan = plan_picture(fine, centre, camera, eye)
    else:
        plan = plan_plainly(centre, camera, eye)
    # Only what is seen is painted: most of a town stands behind its first row of houses.
    seen = _present(plan.surface, len(near)).cpu().numpy()
    atlas.require(np.unique(near.texture[seen]).tolist())
    return View(table, centre, nearness, plan, eye)


def seen_at(view: View, stage: Stage, places: torch.Tensor) -> Seen:
    """Return what is seen at those shading places (M,) of a view where there is a surface."""
    table, plan = view.table, view.plan
    surface, ray = plan.surface.index_select(0, places), plan.ray.index_select(0, places)
    place = table.intersect(surface, ray, plan.step_x, plan.step_y)
    texture = table.texture.index_select(0, surface)
    albedo, mask = lookup(stage.atlas, texture, place.at, place.footprint, plan.dither.index_select(0, places))
    footprint = torch.maximum(*place.footprint)
    shift = (texture * 131 % 509).to(torch.float32)
    scale = _ROUGHNESS_TEXELS_PER_M
    at = (place.at[0] * scale + shift, place.at[1] * scale + 2 * shift)
    rough = stage.roughness.with_slopes(*at, footprint * scale)
    uneven = stage.clouds.with_slopes(at[0] * _UNEVEN, at[1] * _UNEVEN, footprint * scale * _UNEVEN)
    albedo = albedo * torch.clamp(1 + _ROUGHNESS * rough[:, 0], 0.3, 1.8)[:, None]
    is_matt = (1 - mask * (table.finish[:, 0].index_select(0, surface) > 0))[:, None]
    slope = (rough[:, 1:] * _RELIEF[0] + uneven[:, 1:] * _RELIEF[1]) * is_matt
    bump = table.u_axis.index_select(0, surface) * slope[:, :1] + table.v_axis.index_select(0, surface) * slope[:, 1:]
    centre = torch.tensor(view.eye[:3, 3], dtype=torch.float32, device=ray.device)
    length = torch.sqrt(ray[:, 0] * ray[:, 0] + ray[:, 1] * ray[:, 1] + ray[:, 2] * ray[:, 2])
    samples = Samples(
        position=centre + ray * place.depth[:, None],
        direction=ray / length[:, None],
        normal=place.normal,
        relief=place.normal - bump,
        albedo=albedo,
        mask=mask,
        emission=table.emission.index_select(0, surface),
        finish=table.finish.index_select(0, surface),
        label=table.label.index_select(0, surface),
    )
    return Seen(samples, place.depth, footprint)


def _present(surface: torch.Tensor, count: int) -> torch.Tensor:
    """Return which of `count` surfaces occur, ascending; much faster than sorting as torch.unique does."""
    is_there = torch.zeros(count + 1, dtype=torch.bool, device=surface.device)
    is_there[surface.reshape(-1) + 1] = True
    return torch.nonzero(is_there[1:])[:, 0]


def _visible(table: SurfaceTable, atlas: TextureAtlas, camera: Camera, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the surface and its nearness at `side` by `side` samples in every pixel."""
    shift = (side - 1) / 2
    fx, fy, cx, cy = camera.fx * side, camera.fy * side, camera.cx * side + shift, camera.cy * side + shift
    size = (camera.height * side, camera.width * side)
    outlines = perspective_outlines(table.corners_in_cam, (fx, fy, cx, cy), size[0])

    def is_solid(
        surface: torch.Tensor, column: torch.Tensor, row: torch.Tensor, closeness: torch.Tensor
    ) -> torch.Tensor:
        x, y = (column.to(torch.float32) - cx) / fx, (row.to(torch.float32) - cy) / fy
        return table.is_solid(atlas, surface, (x, y), 1 / closeness, 1 / fx)

    return nearest_surface(outlines, size, table.is_cutout, is_solid)


def _culled(surfaces: Surfaces, camera: Camera, eye: NDArray[np.float64]) -> Surfaces:
    """Return the surfaces that can be in the image: ahead, near enough, inside its borders, facing it."""
    cam_from_world = inverse(eye)
    corners = rotated(surfaces.corners, cam_from_world[:3, :3]) + cam_from_world[:3, 3]
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    left, right = -(camera.cx + 1) / camera.fx, (camera.width - camera.cx) / camera.fx
    top, bottom = -(camera.cy + 1) / camera.fy, (camera.height - camera.cy) / camera.fy
    is_outside = (z < NEAREST_M).all(1) | (z > _FARTHEST_M).all(1) | (x < left * z).all(1) | (x > right * z).all(1)
    is_outside |= (y < top * z).all(1) | (y > bottom * z).all(1)
    towards = eye[:3, 3] - surfaces.corners[:, 0]
    faces = (surfaces.normals() * towards).sum(1) > 0
    return surfaces.select(np.nonzero(~is_outside & (faces | surfaces.is_double_sided))[0])
