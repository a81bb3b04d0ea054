# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Blur of a moving camera: each pixel is smeared along its way through the image while the shutter is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_TAPS = 7


def motion_blurred(
    light: NDArray[np.float32],
    depth_m: NDArray[np.float32],
    camera: Camera,
    later_from_now: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Smear an image by the motion of its camera.

    Args:
        light: (h, w, 3) float32.
        depth_m: (h, w) along the optical axis, infinite in the sky.
        camera: intrinsics.
        later_from_now: (4, 4) the camera's frame at the end of the exposure from that in its middle, twice as far as
            from the start to the middle.

    Returns:
        (h, w, 3) float32.
    """
    height, width = depth_m.shape
    depth = np.minimum(depth_m, np.float32(1000.0))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    ray = [(x - np.float32(camera.cx)) / np.float32(camera.fx), (y - np.float32(camera.cy)) / np.float32(camera.fy)]
    points = [ray[0] * depth, ray[1] * depth, depth]
    moved = [
        sum(np.float32(later_from_now[row, col]) * points[col] for col in range(3)) + np.float32(later_from_now[row, 3])
        for row in range(3)
    ]
    ahead = np.maximum(moved[2], np.float32(0.3))
    way_x = moved[0] / ahead * np.float32(camera.fx) + np.float32(camera.cx) - x
    way_y = moved[1] / ahead * np.float32(camera.fy) + np.float32(camera.cy) - y
    longest = np.float32(0.06 * width)
    scale = np.minimum(1, longest / np.maximum(np.sqrt(way_x * way_x + way_y * way_y), np.float32(1e-6)))
    total = np.zeros_like(light)
    for tap in np.linspace(-0.5, 0.5, _TAPS, dtype=np.float32):
        shift_x, shift_y = way_x * scale * tap, way_y * scale * tap
        total += cv2.remap(light, x + shift_x, y + shift_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(total / _TAPS, dtype=np.float32)
