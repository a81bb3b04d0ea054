# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints in two bytes a coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 65535
"""A coordinate has two bytes."""
_LEAST_SPAN_PX = 1.0
"""Of the coordinates of a map, so that a single keypoint has a step too."""


@dataclass(frozen=True, eq=False)
class PixelRows:
    """Keypoints of all images of a map, decoded where they are looked up; the array stays mapped into memory.

    Attributes:
        codes: (O, 2) uint16.
        low_px: coordinate of code 0.
        step_px: pixels from one code to the next: 0.02 for images 1,226 pixels wide.
    """

    codes: NDArray[np.uint16]
    low_px: float
    step_px: float

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return chosen keypoints, (x, y) in pixels, float32."""
        decoded: NDArray[np.float32] = (self.codes[rows] * self.step_px + self.low_px).astype(np.float32)
        return decoded


def encode_pixels(keypoints: NDArray[np.floating]) -> PixelRows:
    """Encode keypoints (O, 2), pixels; lenses may put some of them outside the image.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.all(np.isfinite(keypoints)):
        raise ValueError("keypoints to encode hold numbers that are not finite")
    low = float(np.min(keypoints, initial=0.0))
    step = max(float(np.max(keypoints, initial=0.0)) - low, _LEAST_SPAN_PX) / _STEPS
    codes = np.rint((np.asarray(keypoints, np.float64) - low) / step).clip(0, _STEPS).astype(np.uint16)
    return PixelRows(codes.reshape(-1, 2), low, step)
