# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""People on the pavement: flat figures, other ones in every session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.boxes import add_card
from sfd2_lab.simulation.materials import finished
from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.surfaces import Look, raised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.surfaces import Site

_SIZE_M = (0.9, 1.85)
_SKIN = ((0.85, 0.70, 0.60), (0.72, 0.55, 0.42), (0.5, 0.36, 0.28), (0.9, 0.76, 0.68))


def build_person(
    site: Site,
    seed: int,
    foot: NDArray[np.float64],
    heading: NDArray[np.float64],
    instance: int,
) -> None:
    """Add a person standing at `foot` (3,) metres, seen best from along `heading` (2,)."""
    texture = site.atlas.register(_SIZE_M, 110.0, lambda shape: _paint_person(seed, shape), ("person", seed))
    look = Look(texture, classes.PERSON, instance, is_double_sided=True, is_cutout=True)
    right = np.array((heading[1], -heading[0], 0.0)) / np.linalg.norm(heading)
    add_card(site.builder, raised(foot, _SIZE_M[1] / 2), (right, (0, 0, 1)), _SIZE_M, look)


def _paint_person(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "figure")
    height, width = shape
    painted, mask = np.zeros((height, width, 3), np.float32), np.zeros(shape, np.float32)
    skin = _SKIN[int(rng.integers(4))]
    coat, trousers, hair = rng.uniform(0.08, 0.8, 3), rng.uniform(0.08, 0.5, 3), rng.uniform(0.05, 0.45, 3)

    def put(points: tuple[tuple[float, float], ...], colour: object) -> None:
        corners = (np.array(points) * (width, height)).astype(np.int32)
        cv2.fillPoly(painted, [corners], np.asarray(colour, dtype=np.float64).tolist())
        cv2.fillPoly(mask, [corners], 1.0)

    stride = float(rng.uniform(0.02, 0.14))
    for side in (-1, 1):
        x = 0.5 + side * stride
        put(
            ((0.5 + side * 0.02, 0.5), (0.5 + side * 0.13, 0.5), (x + 0.07 * side, 0.97), (x - 0.06 * side, 0.97)),
            trousers,
        )
        put(((x - 0.07, 0.96), (x + 0.09, 0.96), (x + 0.09, 1.0), (x - 0.07, 1.0)), (0.1, 0.09, 0.08))
        swing = float(rng.uniform(0.16, 0.26))
        put(
            (
                (0.5 + side * 0.1, 0.19),
                (0.5 + side * 0.19, 0.22),
                (0.5 + side * swing + side * 0.03, 0.52),
                (0.5 + side * swing - side * 0.05, 0.52),
            ),
            coat * 0.85,
        )
        put(((0.5 + side * swing - 0.04, 0.51), (0.5 + side * swing + 0.04, 0.51), (0.5 + side * swing, 0.57)), skin)
    hem = float(rng.uniform(0.5, 0.68))
    put(((0.34, 0.18), (0.66, 0.18), (0.67, hem), (0.33, hem)), coat)
    put(((0.47, 0.2), (0.53, 0.2), (0.51, hem), (0.49, hem)), coat * rng.uniform(0.4, 1.3))
    centre, axes = (width // 2, int(0.095 * height)), (int(0.105 * width), int(0.075 * height))
    for canvas, colour in ((painted, skin), (mask, 1.0)):
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, colour, -1)
    cv2.ellipse(painted, (centre[0], centre[1] - int(0.02 * height)), axes, 0, 180, 360, hair.tolist(), -1)
    if rng.random() < 0.4:
        put(((0.68, 0.48), (0.86, 0.48), (0.86, 0.64), (0.68, 0.64)), rng.uniform(0.1, 0.7, 3))
    return finished(painted, mask)
