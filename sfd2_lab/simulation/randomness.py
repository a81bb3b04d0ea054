# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Random numbers that depend on names and seeds only, and noise made of them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def generator(*key: int | str) -> np.random.Generator:
    """Return a generator for a key, the same in every process.

    Args:
        key: seeds and names, for example a world seed, "facade", a number; each part counts.
    """
    return np.random.default_rng([part if isinstance(part, int) else zlib.crc32(part.encode()) for part in key])


def value_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> NDArray[np.float32]:
    """Return smooth noise (h, w) of mean 0 and deviation about 1, whose features are `cell` texels large."""
    height, width = shape
    if cell <= 1.0:
        return rng.standard_normal(shape, dtype=np.float32)
    rows, cols = int(np.ceil(height / cell)) + 3, int(np.ceil(width / cell)) + 3
    lattice = rng.standard_normal((rows, cols), dtype=np.float32)
    size = (int(np.ceil(cols * cell)), int(np.ceil(rows * cell)))
    margin = int(cell)
    smooth = cv2.resize(lattice, size, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(smooth[margin : margin + height, margin : margin + width], dtype=np.float32)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: Sequence[float], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return a sum (h, w) of `value_noise` of several cell sizes in texels, each with its weight."""
    total = np.zeros(shape, np.float32)
    for cell, weight in zip(cells, weights, strict=True):
        total += np.float32(weight) * value_noise(rng, shape, cell)
    return total
