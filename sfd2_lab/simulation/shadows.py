# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shadows of the sun: the town seen from the sun, once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.simulation.atlas import LEVELS
from sfd2_lab.simulation.surfaces import rotated
from sfd2_lab.simulation.visibility import Outlines, nearest_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.surfaces import Surfaces

_CELL_M = 0.07
_HOLE_LEVEL = 1


def direction_of(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Return the unit vector (3,) towards a place in the sky."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    across = np.cos(elevation)
    return np.array([across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation)])


class ShadowMap:
    """How near to the sun the first surface is, on a grid that faces the sun."""

    def __init__(
        self, surfaces: Surfaces, towards_sun: NDArray[np.float64], atlas: TextureAtlas, *, cell_m: float = _CELL_M
    ) -> None:
        """Render the map.

        Args:
            surfaces: what casts shadows.
            towards_sun: (3,) unit.
            atlas: textures, for the holes of cutouts.
            cell_m: size of a cell across the light.
        """
        self._cell_m, self._device = cell_m, atlas.device
        right = np.cross((0.0, 0.0, 1.0), towards_sun)
        right /= np.linalg.norm(right)
        self._axes = np.stack([right, np.cross(towards_sun, right), towards_sun])
        corners = rotated(surfaces.corners, self._axes)
        flat = corners.reshape(-1, 3)
        # Kept positive, so that the z-buffer can compare bits.
        self._low = flat.min(0) - (2 * cell_m, 2 * cell_m, 1.0)
        size = np.ceil((flat.max(0) - self._low)[:2] / cell_m).astype(int) + 3
        self._size = (int(size[1]), int(size[0]))
        corners = (corners - self._low) / (cell_m, cell_m, 1.0)
        is_flat = np.abs(rotated(surfaces.normals(), self._axes)[:, 2]) > 1e-3
        self._closeness = self._render(surfaces.select(is_flat), corners[is_flat], atlas)

    def lit(self, position: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
        """Return the fraction (M,) of sunlight that reaches places (M, 3) in metres with unit normals (M, 3)."""
        # A step off the surface keeps it from shading itself.
        moved = position + normal * (1.5 * self._cell_m)
        place = [self._along(moved, axis) for axis in range(3)]
        column, row = place[0] / self._cell_m, place[1] / self._cell_m
        height, width = self._size
        left = torch.clamp(torch.floor(column), 0, width - 2)
        low = torch.clamp(torch.floor(row), 0, height - 2)
        weight_x, weight_y = torch.clamp(column - left, 0, 1), torch.clamp(row - low, 0, 1)
        start = low.to(torch.int64) * width + left.to(torch.int64)
        depth = place[2] + 0.04

        def is_lit(index: torch.Tensor) -> torch.Tensor:
            return (self._closeness.index_select(0, index) <= depth).to(torch.float32)

        lower = is_lit(start) * (1 - weight_x) + is_lit(start + 1) * weight_x
        upper = is_lit(start + width) * (1 - weight_x) + is_lit(start + width + 1) * weight_x
        share: torch.Tensor = lower * (1 - weight_y) + upper * weight_y
        return share

    def _along(self, position: torch.Tensor, axis: int) -> torch.Tensor:
        x, y, z = self._axes[axis].tolist()
        along: torch.Tensor = position[:, 0] * x + position[:, 1] * y + position[:, 2] * z
        return along - float(self._low[axis])

    def _render(self, surfaces: Surfaces, corners: NDArray[np.float64], atlas: TextureAtlas) -> torch.Tensor:
        atlas.require(np.unique(surfaces.texture[surfaces.is_cutout]).tolist())
        is_cutout = torch.from_numpy(surfaces.is_cutout).to(self._device)
        outlines = _flat_outlines(torch.from_numpy(corners).to(self._device), self._size[0])
        holes = _Holes(surfaces, self._axes, self._low, self._cell_m, atlas)
        return nearest_surface(outlines, self._size, is_cutout, holes.is_solid)[1].reshape(-1)


class _Holes:
    """Looks up the holes of cutouts at places of the map."""

    def __init__(
        self,
        surfaces: Surfaces,
        axes: NDArray[np.float64],
        low: NDArray[np.float64],
        cell_m: float,
        atlas: TextureAtlas,
    ) -> None:
        self._cell_m = cell_m
        self._tables = atlas.tables()
        texture_axes = np.stack([surfaces.u_axis, surfaces.v_axis], 1)
        turned = rotated(texture_axes, axes)
        origin = (texture_axes * surfaces.uv_origin[:, None]).sum(2)
        offset = rotated(low[None], axes.T)[0]
        shift = (texture_axes * offset).sum(2) - origin
        self._turned = torch.from_numpy(turned.astype(np.float32)).to(atlas.device)
        self._shift = torch.from_numpy(shift.astype(np.float32)).to(atlas.device)
        self._texture = torch.from_numpy(surfaces.texture).to(atlas.device)

    def is_solid(
        self, surface: torch.Tensor, column: torch.Tensor, row: torch.Tensor, closeness: torch.Tensor
    ) -> torch.Tensor:
        """Return (M,) bool: whether the texture is there."""
        texels, offsets, shapes = self._tables
        texture = self._texture.index_select(0, surface)
        shape, axes, shift = (
            shapes.index_select(0, texture),
            self._turned.index_select(0, surface),
            self._shift.index_select(0, surface),
        )
        x, y = column.to(torch.float32) * self._cell_m, row.to(torch.float32) * self._cell_m
        cells = []
        for k in range(2):
            along = axes[:, k, 0] * x + axes[:, k, 1] * y + axes[:, k, 2] * closeness + shift[:, k]
            size = shape[:, k].to(torch.int64) >> _HOLE_LEVEL
            place = torch.clamp(along * shape[:, 2] / (1 << _HOLE_LEVEL), min=0).to(torch.int64)
            cells.append((torch.minimum(place, size - 1), size))
        start = offsets.reshape(-1)[texture * (LEVELS * LEVELS) + _HOLE_LEVEL * (LEVELS + 1)]
        texel = texels.index_select(0, start + cells[1][0] * cells[0][1] + cells[0][0])
        return ((texel >> 24) & 255) > 110


def _flat_outlines(corners: torch.Tensor, rows: int) -> Outlines:
    """Return the outlines of polygons whose corners (N, 4, 3) are column, row and closeness."""
    flat = torch.cat([corners[..., :2], torch.ones_like(corners[..., :1])], -1)
    edges = torch.linalg.cross(flat, flat.roll(-1, 1))
    edges = edges / torch.clamp(edges.abs().amax(-1, keepdim=True), min=1e-12)
    side = (edges * flat.mean(1, keepdim=True)).sum(-1).sum(-1)
    edges = edges * torch.sign(side)[:, None, None]
    normal = torch.linalg.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    slope = -normal[:, :2] / normal[:, 2:]
    first = corners[:, 0]
    rest = first[:, 2] - slope[:, 0] * first[:, 0] - slope[:, 1] * first[:, 1]
    low = torch.ceil(corners[..., 1].amin(1) - 1e-6)
    high = torch.floor(corners[..., 1].amax(1) + 1e-6)
    extent = torch.stack([torch.clamp(low, 0, rows), torch.clamp(high, -1, rows - 1)], 1).to(torch.int64)
    return Outlines(edges, torch.stack([slope[:, 0], slope[:, 1], rest], 1), extent)
