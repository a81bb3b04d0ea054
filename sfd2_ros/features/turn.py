# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of cameras that are mounted on their side or upside down: turned upright, and their keypoints turned back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURNS_DEG = (0, 90, 180, 270)
"""Clockwise; others would need the image to be resampled."""


def turn_upright(image: NDArray[np.uint8], rotate_deg: int) -> NDArray[np.uint8]:
    """Turn an image (H, W) or (H, W, 3) clockwise by one of `TURNS_DEG`; pixels are only moved."""
    return image if rotate_deg == 0 else np.ascontiguousarray(np.rot90(image, -rotate_deg // 90))


def turn_back(keypoints: NDArray[np.float32], rotate_deg: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return keypoints (N, 2) of a turned image as pixels of the image as it was given.

    Args:
        keypoints: x and y in the upright image.
        rotate_deg: what `turn_upright` was given.
        size: (h, w) of the image as it was given.
    """
    height, width = size
    x, y = keypoints[:, 0], keypoints[:, 1]
    if rotate_deg == 90:
        x, y = y, height - 1 - x
    elif rotate_deg == 180:
        x, y = width - 1 - x, height - 1 - y
    elif rotate_deg == 270:
        x, y = width - 1 - y, x
    return np.column_stack([x, y]).astype(np.float32)
