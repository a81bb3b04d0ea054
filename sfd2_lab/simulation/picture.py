# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where an image is shaded: once a pixel, and four times where a pixel shows more than one surface."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.simulation.atlas import LEVELS
from sfd2_lab.simulation.sampling import binary_level
from sfd2_lab.simulation.surfaces import rotated
from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.surfaces import Surfaces
    from sfd2_ros.core.types import Camera

_BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))


@dataclass(frozen=True, eq=False)
class Places:
    """Where rays meet surfaces: depth along the optical axis, texture coordinates, pixel footprint, normal."""

    depth: torch.Tensor
    at: tuple[torch.Tensor, torch.Tensor]
    footprint: tuple[torch.Tensor, torch.Tensor]
    normal: torch.Tensor


@dataclass(frozen=True, eq=False)
class SurfaceTable:
    """Visible surfaces as tensors, with their geometry relative to the eye."""

    corners_in_cam: torch.Tensor
    normal: torch.Tensor
    distance: torch.Tensor
    u_axis: torch.Tensor
    v_axis: torch.Tensor
    eye_uv: torch.Tensor
    axes_in_cam: torch.Tensor
    texture: torch.Tensor
    label: torch.Tensor
    instance: torch.Tensor
    emission: torch.Tensor
    finish: torch.Tensor
    is_cutout: torch.Tensor

    @staticmethod
    def make(surfaces: Surfaces, world_from_cam: NDArray[np.float64], device: torch.device) -> SurfaceTable:
        """Prepare surfaces for a camera pose."""
        cam_from_world = inverse(world_from_cam)
        eye = world_from_cam[:3, 3]
        normal = surfaces.normals()
        towards = eye - surfaces.uv_origin
        eye_uv = np.stack([(towards * surfaces.u_axis).sum(1), (towards * surfaces.v_axis).sum(1)], 1)
        axes = np.stack([surfaces.u_axis, surfaces.v_axis], 1)
        turn = cam_from_world[:3, :3]

        def single(array: NDArray[np.generic]) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

        return SurfaceTable(
            corners_in_cam=torch.from_numpy(rotated(surfaces.corners, turn) + cam_from_world[:3, 3]).to(device),
            normal=single(normal),
            distance=single((normal * (surfaces.corners[:, 0] - eye)).sum(1)),
            u_axis=single(surfaces.u_axis),
            v_axis=single(surfaces.v_axis),
            eye_uv=single(eye_uv),
            axes_in_cam=single(rotated(axes, turn)),
            texture=torch.from_numpy(surfaces.texture).to(device),
            label=torch.from_numpy(surfaces.label).to(device),
            instance=torch.from_numpy(surfaces.instance).to(device),
            emission=single(surfaces.emission),
            finish=single(surfaces.finish),
            is_cutout=torch.from_numpy(surfaces.is_cutout).to(device),
        )

    def select(self, indices: torch.Tensor) -> SurfaceTable:
        """Return the surfaces at indices (K,) int64."""
        return SurfaceTable(*(getattr(self, field.name)[indices] for field in dataclasses.fields(self)))

    def intersect(
        self,
        surface: torch.Tensor,
        ray: torch.Tensor,
        step_x: tuple[float, float, float],
        step_y: tuple[float, float, float],
    ) -> Places:
        """Meet (M,) surfaces with (M, 3) rays of depth 1; steps are the change of a ray to the next pixel."""
        normal = self.normal.index_select(0, surface)
        u_axis, v_axis, eye_uv = (
            self.u_axis.index_select(0, surface),
            self.v_axis.index_select(0, surface),
            self.eye_uv.index_select(0, surface),
        )
        slope = _dot(normal, ray)
        # At a silhouette the centre of a pixel can see a surface edge on; keep its depth finite.
        slope = torch.where(slope.abs() < 1e-4, torch.where(slope < 0, -1e-4, 1e-4).to(slope.dtype), slope)
        depth = torch.clamp(self.distance.index_select(0, surface) / slope, 0.01, 1000.0)
        along_u, along_v = _dot(u_axis, ray), _dot(v_axis, ray)
        footprints = []
        for axis, along in ((u_axis, along_u), (v_axis, along_v)):
            changes = [depth * (_along(axis, step) - along * _along(normal, step) / slope) for step in (step_x, step_y)]
            footprints.append(torch.sqrt(changes[0] * changes[0] + changes[1] * changes[1]))
        at = (eye_uv[:, 0] + depth * along_u, eye_uv[:, 1] + depth * along_v)
        facing = torch.where(slope > 0, -1.0, 1.0)[:, None]
        return Places(depth, at, (footprints[0], footprints[1]), normal * facing)

    def is_solid(
        self,
        atlas: TextureAtlas,
        surface: torch.Tensor,
        ray: tuple[torch.Tensor, torch.Tensor],
        depth: torch.Tensor,
        pixel: float,
    ) -> torch.Tensor:
        """Return (M,) bool: whether the texture of a cutout is there, at rays (x, y, 1) in the camera's frame."""
        texels, offsets, shapes = atlas.tables()
        texture, axes, eye_uv = (
            self.texture.index_select(0, surface),
            self.axes_in_cam.index_select(0, surface),
            self.eye_uv.index_select(0, surface),
        )
        shape = shapes.index_select(0, texture)
        level = torch.clamp(binary_level(depth * pixel * shape[:, 2]) - 0.25, 0, LEVELS - 3).to(torch.int64)
        indices = []
        for k in range(2):
            along = axes[:, k, 0] * ray[0] + axes[:, k, 1] * ray[1] + axes[:, k, 2]
            place = (eye_uv[:, k] + depth * along) * shape[:, 2] * torch.ldexp(torch.ones_like(depth), -level)
            cells = shape[:, k].to(torch.int64) >> level
            indices.append((torch.minimum(torch.clamp(place, min=0).to(torch.int64), cells - 1), cells))
        start = offsets.reshape(-1).index_select(0, texture * (LEVELS * LEVELS) + level * (LEVELS + 1))
        texel = texels.index_select(0, start + indices[1][0] * indices[0][1] + indices[0][0])
        return ((texel >> 24) & 255) > 110


@dataclass(frozen=True, eq=False)
class PicturePlan:
    """Shading places of an image.

    Attributes:
        surface: (M,) int64 surface at each place.
        pixel: (M,) int64 pixel of each place, row by row.
        ray: (M, 3) float32 world direction of depth 1.
        dither: (M,) float32 in [0, 0.5).
        step_x: change of the ray from a pixel to the next column.
        step_y: change of the ray from a pixel to the next row.
        plain: indices of pixels shaded once; their places come first.
        mixed: indices of pixels shaded four times.
        size: (h, w).
    """

    surface: torch.Tensor
    pixel: torch.Tensor
    ray: torch.Tensor
    dither: torch.Tensor
    step_x: tuple[float, float, float]
    step_y: tuple[float, float, float]
    plain: torch.Tensor
    mixed: torch.Tensor
    size: tuple[int, int]

    def resolve(self, values: torch.Tensor) -> torch.Tensor:
        """Average values (M, 3) of the shading places to an image (h, w, 3)."""
        height, width = self.size
        picture = torch.zeros((height * width, 3), dtype=values.dtype, device=values.device)
        picture[self.plain] = values[: len(self.plain)]
        four = values[len(self.plain) :].reshape(4, -1, 3)
        # One glint must not outshine its pixel: neighbours of a lamp keep their outline.
        bounded = torch.clamp(four, max=4.0)
        picture[self.mixed] = (bounded[0] + bounded[1] + bounded[2] + bounded[3]) * 0.25
        return picture.reshape(height, width, 3)


def plan_picture(
    fine: torch.Tensor, centre: torch.Tensor, camera: Camera, world_from_cam: NDArray[np.float64]
) -> PicturePlan:
    """Decide where to shade, from the surfaces at (2h, 2w) fine samples and at (h, w) pixel centres."""
    height, width = centre.shape
    corners = [fine[i::2, j::2].reshape(-1) for i in range(2) for j in range(2)]
    flat = centre.reshape(-1)
    is_plain = (corners[0] == flat) & (corners[1] == flat) & (corners[2] == flat) & (corners[3] == flat)
    plain, mixed = torch.nonzero(is_plain)[:, 0], torch.nonzero(~is_plain)[:, 0]
    pixels = torch.cat([plain, mixed, mixed, mixed, mixed])
    surface = torch.cat([flat[plain], *(corner[mixed] for corner in corners)])
    shift = torch.zeros((2, len(pixels)), dtype=torch.float32, device=flat.device)
    for k in range(4):
        part = slice(len(plain) + k * len(mixed), len(plain) + (k + 1) * len(mixed))
        shift[0, part], shift[1, part] = (k % 2) * 0.5 - 0.25, (k // 2) * 0.5 - 0.25
    rotation = world_from_cam[:3, :3]
    column, row = pixels % width, pixels // width
    x = (column.to(torch.float32) + shift[0] - camera.cx) / camera.fx
    y = (row.to(torch.float32) + shift[1] - camera.cy) / camera.fy
    ray = torch.stack([x * float(r[0]) + y * float(r[1]) + float(r[2]) for r in rotation], 1)
    bayer = torch.tensor(_BAYER, dtype=torch.float32, device=flat.device) / 32
    dither = bayer[row % 4, column % 4]
    step_x = rotation[:, 0] / camera.fx
    step_y = rotation[:, 1] / camera.fy
    return PicturePlan(surface, pixels, ray, dither, _triple(step_x), _triple(step_y), plain, mixed, (height, width))


def plan_plainly(centre: torch.Tensor, camera: Camera, world_from_cam: NDArray[np.float64]) -> PicturePlan:
    """Shade every pixel once, at its centre."""
    fine = centre.repeat_interleave(2, 0).repeat_interleave(2, 1)
    return plan_picture(fine, centre, camera, world_from_cam)


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z


def _along(vectors: torch.Tensor, step: tuple[float, float, float]) -> torch.Tensor:
    return vectors[:, 0] * step[0] + vectors[:, 1] * step[1] + vectors[:, 2] * step[2]


def _dot(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]
