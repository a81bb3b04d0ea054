# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The cells of a grid on an image: what lies in one may err together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_GRID = 8
"""Cells along each side of an image: one is 80 x 60 pixels of a VGA image. Not tuned."""
GRID_CELLS = _GRID**2
"""Cells of the grid on an image."""


def spread(keypoints: NDArray[np.floating], camera: Camera) -> float:
    """Return the share of the cells of an 8x8 grid on the image that hold a keypoint (N, 2), in [0, 1]."""
    if len(keypoints) == 0:
        return 0.0
    return len(np.unique(grid_cells(keypoints, camera))) / GRID_CELLS


def grid_cells(keypoints: NDArray[np.floating], camera: Camera) -> NDArray[np.int64]:
    """Return (N,) which cell of an 8x8 grid on the image each keypoint (N, 2) lies in, from 0 to `GRID_CELLS` - 1."""
    size = np.array([camera.width, camera.height])
    cells = np.clip((np.asarray(keypoints) + 0.5) / size * _GRID, 0, _GRID - 1).astype(np.int64)
    numbers: NDArray[np.int64] = cells[:, 0] * _GRID + cells[:, 1]
    return numbers
