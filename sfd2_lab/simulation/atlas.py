# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Textures, painted when first seen and kept averaged to every width and height apart.

A street is seen at grazing angles: its facades shrink along one axis only. An image pyramid per axis keeps the other
axis sharp and still cannot flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

LEVELS = 8
_PADDING = 1 << (LEVELS - 3)
_FIRST_CAPACITY = 1 << 22


@dataclass(frozen=True)
class _Recipe:
    """A texture to paint: size in metres, texels a metre, and who paints its (h, w, 4) uint8, top row first."""

    size_m: tuple[float, float]
    texels_per_m: float
    paint: Callable[[tuple[int, int]], NDArray[np.uint8]]


class TextureAtlas:
    """All textures of a world in one flat tensor.

    Texels hold the square root of the linear albedo in three bytes, and a mask in the fourth: holes for cutouts,
    otherwise where the surface shines or gives off light.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._recipes: list[_Recipe] = []
        self._numbers: dict[tuple[int | str, ...], int] = {}
        self._texels = torch.zeros(_FIRST_CAPACITY, dtype=torch.int32, device=device)
        self._used = 0
        self._painted: list[bool] = []
        self._offsets = np.zeros((0, LEVELS * LEVELS), np.int64)
        self._shapes = np.zeros((0, 4), np.int64)
        self._tables: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def register(
        self,
        size_m: tuple[float, float],
        texels_per_m: float,
        paint: Callable[[tuple[int, int]], NDArray[np.uint8]],
        key: tuple[int | str, ...],
    ) -> int:
        """Announce a texture and return its number.

        Args:
            size_m: width and height of what it shows, in metres.
            texels_per_m: resolution.
            paint: called with (h, w) in texels when the texture is first seen; gives (h, w, 4) uint8, top row first.
            key: names the texture; a second one of the same name is the first one.
        """
        if key in self._numbers:
            return self._numbers[key]
        self._numbers[key] = len(self._recipes)
        self._recipes.append(_Recipe(size_m, texels_per_m, paint))
        self._painted.append(False)
        self._offsets = np.concatenate([self._offsets, np.zeros((1, LEVELS * LEVELS), np.int64)])
        self._shapes = np.concatenate([self._shapes, np.ones((1, 4), np.int64)])
        self._tables = None
        return len(self._recipes) - 1

    def require(self, textures: Iterable[int]) -> None:
        """Paint the textures among these that were not painted yet."""
        for number in textures:
            if not self._painted[number]:
                self._paint(number)

    def tables(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return texels (T,) int32, offsets (N, LEVELS^2) int64, shapes (N, 4): width, height, texels a metre."""
        if self._tables is None:
            density = np.array([recipe.texels_per_m for recipe in self._recipes])
            shapes = self._shapes.astype(np.float32)
            shapes[:, 2] = density
            self._tables = (
                self._texels,
                torch.from_numpy(self._offsets).to(self.device),
                torch.from_numpy(shapes).to(self.device),
            )
        return self._tables

    def bytes_used(self) -> int:
        """Return the size of all painted texels."""
        return self._used * 4

    def _paint(self, number: int) -> None:
        recipe = self._recipes[number]
        height, width = (max(1, round(length * recipe.texels_per_m)) for length in reversed(recipe.size_m))
        image = recipe.paint((height, width))[::-1]
        linear = np.square(image[:, :, :3].astype(np.float32) / 255)
        planes = _padded(np.concatenate([linear, image[:, :, 3:].astype(np.float32) / 255], axis=2))
        self._shapes[number, :2] = planes.shape[1], planes.shape[0]
        starts, levels = _levels(planes)
        self._offsets[number] = self._append(_packed(levels)) + starts
        self._painted[number] = True
        self._tables = None

    def _append(self, texels: NDArray[np.int32]) -> int:
        start = self._used
        self._used += texels.size
        if self._used > len(self._texels):
            grown = torch.zeros(2 * self._used, dtype=torch.int32, device=self.device)
            grown[:start] = self._texels[:start]
            self._texels = grown
        self._texels[start : self._used] = torch.from_numpy(texels).to(self.device)
        return start


def _levels(planes: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Average an image (h, w, 4) to all heights and widths.

    Returns:
        (LEVELS^2,) int64 where each level starts, height level first, and (T, 4) float32 all levels in a row; a side
        that cannot be halved keeps its last level.
    """
    starts, parts, used = np.zeros((LEVELS, LEVELS), np.int64), [], 0
    for row in range(LEVELS):
        if row and planes.shape[0] % 2:
            starts[row] = starts[row - 1]
            continue
        planes = _halved(planes, 0) if row else planes
        narrow = planes
        for col in range(LEVELS):
            if col and narrow.shape[1] % 2:
                starts[row, col] = starts[row, col - 1]
                continue
            narrow = _halved(narrow, 1) if col else narrow
            starts[row, col] = used
            parts.append(narrow.reshape(-1, 4))
            used += len(parts[-1])
    return starts.reshape(-1), np.concatenate(parts)


def _padded(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeat the last row and column up to a multiple of the padding, so that halving stays exact."""
    height, width = planes.shape[:2]
    return np.pad(planes, ((0, -height % _PADDING), (0, -width % _PADDING), (0, 0)), mode="edge")


def _halved(planes: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Average pairs along an axis of even length."""
    if axis == 0:
        return (planes[0::2] + planes[1::2]) * np.float32(0.5)
    return (planes[:, 0::2] + planes[:, 1::2]) * np.float32(0.5)


def _packed(texels: NDArray[np.float32]) -> NDArray[np.int32]:
    """Pack linear texels (T, 4) into int32 (T,), albedo as square roots; changes its argument."""
    np.sqrt(texels[:, :3], out=texels[:, :3])
    texels *= 255
    texels += 0.5
    return texels.astype(np.uint8).view(np.int32).reshape(-1)
