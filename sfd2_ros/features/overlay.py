# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints drawn on their image, coloured by stability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

# name, stability from which on, RGB; blue, amber and red stay apart for the colour-blind too
_LOOKS = (
    ("long-term", 0.75, (40, 170, 255)),
    ("short-term", 0.3, (255, 200, 0)),
    ("unstable", 0.0, (235, 40, 40)),
)
_FRACTION_BITS = 4  # OpenCV draws at sixteenths of a pixel


def draw_features(image: NDArray[np.uint8], features: Features) -> NDArray[np.uint8]:
    """Draw keypoints, the strongest on top, and a legend with their counts.

    Args:
        image: (H, W, 3) RGB or (H, W) gray, that the features are of.
        features: what to draw.

    Returns:
        (H, W, 3) uint8 RGB, a new image.
    """
    canvas = np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image.copy()
    radius = max(2.0, max(canvas.shape[:2]) / 300)
    looks = [_look_of(float(value)) for value in features.stability]
    for (x, y), look in reversed(list(zip(features.keypoints, looks, strict=True))):
        _draw_circle(canvas, float(x), float(y), radius + 1, (0, 0, 0))
        _draw_circle(canvas, float(x), float(y), radius, _LOOKS[look][2])
    _draw_legend(canvas, [looks.count(index) for index in range(len(_LOOKS))])
    return canvas


def _look_of(stability: float) -> int:
    return next(index for index, (_, least, _) in enumerate(_LOOKS) if stability >= least)


def _draw_circle(canvas: NDArray[np.uint8], x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    unit = 1 << _FRACTION_BITS
    centre = (round(x * unit), round(y * unit))
    cv2.circle(canvas, centre, round(radius * unit), colour, 1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_legend(canvas: NDArray[np.uint8], counts: list[int]) -> None:
    scale = max(0.5, max(canvas.shape[:2]) / 1600)
    line = round(36 * scale)
    box = canvas[: len(_LOOKS) * line + line // 2, : round(260 * scale)]
    box //= 3  # darkened, so that the text can be read on any image
    for row, ((name, _, colour), count) in enumerate(zip(_LOOKS, counts, strict=True), start=1):
        place = (line // 3, row * line)
        thickness = max(1, round(2 * scale))
        cv2.putText(canvas, f"{count} {name}", place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an (H, W, 3) RGB image as PNG, whole or not at all; its folder is made when missing.

    Raises:
        OutputError: the folder cannot be written.
    """
    encoded = cv2.imencode(".png", np.ascontiguousarray(image[:, :, ::-1]))[1]
    with atomic_file(path) as temporary:
        temporary.write_bytes(encoded.tobytes())
