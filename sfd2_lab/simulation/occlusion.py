# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How much sky the ground sees: a map that darkens the foot of walls and the road below cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CELL_M = 0.125


class OcclusionMap:
    """Fraction of the sky seen from the ground, on a grid over the world."""

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        """Start with open ground.

        Args:
            bounds: x and y of the lower left, x and y of the upper right corner, metres.
        """
        self._origin = np.array(bounds[:2])
        width, height = (np.ceil((np.array(bounds[2:]) - self._origin) / CELL_M)).astype(int)
        self._share = np.ones((int(height), int(width)), np.float32)

    def add_buildings(self, footprints: Sequence[NDArray[np.float64]], height_m: float = 9.0) -> None:
        """Darken the ground near walls.

        Args:
            footprints: (K, 2) corners of each building block, metres.
            height_m: of the walls, decides how far the darkening reaches.
        """
        free = np.ones(self._share.shape, np.uint8)
        for footprint in footprints:
            cv2.fillPoly(free, [np.round(self._cells(footprint)).astype(np.int32)], 0)
        distance = cv2.distanceTransform(free, cv2.DIST_L2, 5) * np.float32(CELL_M)
        # A long wall of height h at distance d hides (1 - d / hypot(d, h)) / 2 of the sky's light.
        hidden = 0.5 * (1 - distance / np.sqrt(distance * distance + np.float32(height_m) ** 2))
        self._share *= (1 - hidden).astype(np.float32)

    def with_objects(self, footprints: Sequence[NDArray[np.float64]], softness_m: float = 0.35) -> OcclusionMap:
        """Return a copy that is dark below objects, such as cars, given by (K, 2) corners in metres."""
        lit = np.ones(self._share.shape, np.float32)
        for footprint in footprints:
            cv2.fillPoly(lit, [np.round(self._cells(footprint)).astype(np.int32)], 0.12)
        deviation = softness_m / CELL_M
        copy = object.__new__(OcclusionMap)
        copy._origin = self._origin
        copy._share = self._share * cv2.GaussianBlur(lit, (0, 0), deviation)
        return copy

    def on(self, device: torch.device) -> tuple[torch.Tensor, tuple[float, float]]:
        """Return the grid (rows, cols) float32 on a device, and the x and y of its first cell's corner."""
        return torch.from_numpy(self._share).to(device), (float(self._origin[0]), float(self._origin[1]))

    def _cells(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points - self._origin) / CELL_M - 0.5, dtype=np.float64)


def share_at(grid: torch.Tensor, origin: tuple[float, float], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the grid's value at places in metres, bilinear, clamped at the border."""
    rows, cols = grid.shape
    column = torch.clamp((x - origin[0]) / CELL_M - 0.5, 0, cols - 1.001)
    row = torch.clamp((y - origin[1]) / CELL_M - 0.5, 0, rows - 1.001)
    left, low = column.to(torch.int64), row.to(torch.int64)
    weight_x, weight_y = column - left.to(column.dtype), row - low.to(row.dtype)
    flat, start = grid.reshape(-1), low * cols + left
    lower = flat.index_select(0, start) + (flat.index_select(0, start + 1) - flat.index_select(0, start)) * weight_x
    upper = (
        flat.index_select(0, start + cols)
        + (flat.index_select(0, start + cols + 1) - flat.index_select(0, start + cols)) * weight_x
    )
    return lower + (upper - lower) * weight_y
