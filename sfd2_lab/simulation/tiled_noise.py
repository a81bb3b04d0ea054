# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Endless noise over the plane, filtered to any footprint: roughness of surfaces, clouds, puddles, snow."""

from __future__ import annotations

import numpy as np
import torch

from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.sampling import binary_level

_SIZE = 512
_LEVELS = 10


class TiledNoise:
    """A periodic field of mean 0 and deviation 1 with all its averages."""

    def __init__(self, seed: int, name: str, slope: float, device: torch.device) -> None:
        """Make the field.

        Args:
            seed: of the world.
            name: of the field; other names give other fields.
            slope: 0 for white noise; the larger, the smoother (amplitude falls with frequency to this power).
            device: where it lies.
        """
        field = _spectral_noise(generator(seed, "tiled", name), slope)
        slopes = [np.roll(field, -1, axis) - np.roll(field, 1, axis) for axis in (1, 0)]
        levels = [np.stack([field, *slopes], -1)]
        while len(levels[-1]) > 1:
            top = levels[-1]
            levels.append((top[0::2, 0::2] + top[1::2, 0::2] + top[0::2, 1::2] + top[1::2, 1::2]) / 4)
        sizes = [len(level) for level in levels]
        starts = np.concatenate([[0], np.cumsum([size * size for size in sizes])[:-1]])
        values = np.concatenate([level.reshape(-1, 3) for level in levels]).astype(np.float32)
        self._all = torch.from_numpy(values).to(device)
        self._values = self._all[:, 0].contiguous()
        self._sizes = torch.tensor(sizes, dtype=torch.int64, device=device)
        self._starts = torch.tensor(starts, dtype=torch.int64, device=device)

    def at(self, x: torch.Tensor, y: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
        """Return the field (M,) at places given in texels (period 512), averaged over a footprint in texels."""
        return self._read(self._values, x, y, footprint)

    def with_slopes(self, x: torch.Tensor, y: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
        """Return the field and its slopes along x and y (M, 3), as `at` does."""
        return self._read(self._all, x, y, footprint)

    def _read(self, values: torch.Tensor, x: torch.Tensor, y: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
        level = torch.clamp(binary_level(footprint), 0, _LEVELS - 1).to(torch.int64)
        size, start = self._sizes.index_select(0, level), self._starts.index_select(0, level)
        scale = torch.ldexp(torch.ones_like(x), -level)
        column, row = x * scale - 0.5, y * scale - 0.5
        left, low = torch.floor(column), torch.floor(row)
        weight_x, weight_y = column - left, row - low
        last = size - 1
        left_index, low_index = left.to(torch.int64) & last, low.to(torch.int64) & last
        right_index, high_index = (left_index + 1) & last, (low_index + 1) & last
        low_row, high_row = start + low_index * size, start + high_index * size
        if values.ndim == 2:
            weight_x, weight_y = weight_x[:, None], weight_y[:, None]
        lower = _mixed(
            values.index_select(0, low_row + left_index), values.index_select(0, low_row + right_index), weight_x
        )
        upper = _mixed(
            values.index_select(0, high_row + left_index), values.index_select(0, high_row + right_index), weight_x
        )
        return _mixed(lower, upper, weight_y)


def _spectral_noise(rng: np.random.Generator, slope: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    spectrum = np.fft.rfft2(rng.standard_normal((_SIZE, _SIZE)))
    frequency = np.hypot(np.fft.fftfreq(_SIZE)[:, None], np.fft.rfftfreq(_SIZE)[None]) * _SIZE
    frequency[0, 0] = 1
    shaped = spectrum / frequency**slope
    shaped[0, 0] = 0
    field = np.fft.irfft2(shaped, s=(_SIZE, _SIZE))
    return np.asarray(field / field.std())


def _mixed(first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return first + (second - first) * weight
