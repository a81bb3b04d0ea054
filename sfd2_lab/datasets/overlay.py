# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what is painted over the frames of a fixed camera: logos and names look the same by day and by night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STEADY = 40.0
"""Largest change of a painted pixel's luma over nearly all frames, of 255; clear strokes vary with what is behind."""
_LEFT_OUT = 10.0
"""Percent of the frames at either end that are left out: a moved camera, a damaged frame."""
_FAINTEST_EDGE = 60.0
"""Smallest contrast of a stroke in nearly all frames, of 255; flat places that do not change are left alone."""
_KERNEL_PX = 5
"""Strokes of painted letters are 1 to 3 px wide; the window must hold both sides."""
_GROWTH_PX = 9
"""Corners of letters are found up to 4 px outside their strokes."""


def find_overlay(day: Sequence[NDArray[np.uint8]], night: Sequence[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """Return where an overlay is, (h, w), grown by some pixels.

    Args:
        day: frames (h, w, 3) uint8 by day, three at least for a meaningful median.
        night: frames of the same size by night.

    Raises:
        SceneError: a light has no frames, or frames differ in size.
    """
    if not len(day) or not len(night):
        raise SceneError(f"an overlay is found in frames by day and by night, got {len(day)} and {len(night)}")
    if len({frame.shape for frame in (*day, *night)}) > 1:
        raise SceneError("frames of a fixed camera must have one size")
    gray = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (*day, *night)]).astype(np.float32)
    low, high = np.percentile(gray, (_LEFT_OUT, 100 - _LEFT_OUT), axis=0)
    kernel = np.ones((_KERNEL_PX, _KERNEL_PX), np.uint8)
    contrast = np.stack([cv2.dilate(one, kernel) - cv2.erode(one, kernel) for one in gray])
    is_edge = np.percentile(contrast, _LEFT_OUT, axis=0) >= _FAINTEST_EDGE
    painted = (is_edge & (high - low <= _STEADY)).astype(np.uint8)
    # Single pixels agree by chance; strokes of a logo lie close together.
    dense = cv2.blur(painted.astype(np.float32), (9, 9)) >= 0.35
    grown = cv2.dilate((dense & (painted > 0)).astype(np.uint8), np.ones((_GROWTH_PX, _GROWTH_PX), np.uint8))
    found: NDArray[np.bool_] = grown > 0
    return found
