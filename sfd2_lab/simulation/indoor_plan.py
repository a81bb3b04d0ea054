# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A corridor round a courtyard block: where its walls run and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.city_plan import inset
from sfd2_lab.simulation.facade_plan import FacadePlan, Opening, Slab
from sfd2_lab.simulation.lettering import random_name
from sfd2_lab.simulation.randomness import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Point = NDArray[np.float64]

CORRIDOR_HEIGHT_M = 2.8
_DARK = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class CorridorPlan:
    """A corridor that runs round a block of rooms.

    Attributes:
        seed: of the world.
        outer: (4, 2) corners of its outer wall, counter-clockwise, metres.
        inner: (4, 2) corners of the wall round the rooms.
    """

    seed: int
    outer: Point
    inner: Point

    def middle(self) -> Point:
        """Return the (4, 2) corners of the line halfway between the walls."""
        return (self.outer + self.inner) / 2


def plan_corridor(seed: int) -> CorridorPlan:
    """Plan the corridor of a world seed."""
    rng = generator(seed, "corridor")
    length, width = rng.uniform(26, 38), rng.uniform(14, 22)
    outer = np.array([(0, 0), (length, 0), (length, width), (0, width)]) + rng.uniform(-0.8, 0.8, (4, 2))
    return CorridorPlan(seed, outer, inset(outer, rng.uniform(2.3, 3.2, 4)))


def plan_wall(seed: int, width: float, *, has_windows: bool) -> FacadePlan:
    """Plan a stretch of corridor wall: doors, boards, pictures, pipes, and windows towards the outside."""
    rng = generator(seed, "wall")
    openings: list[Opening] = []
    slabs: list[Slab] = []
    left = float(rng.uniform(0.2, 0.7))
    while left < width - 0.5:
        right, parts, hole = _feature(rng, left, has_windows=has_windows)
        if right > width - 0.2:
            break
        slabs += parts
        openings += hole
        left = right + float(rng.uniform(0.15, 0.7))
    if rng.random() < 0.6:
        level = float(rng.uniform(2.25, 2.6))
        slabs.append(
            Slab("pipe", 0.0, level, width, level + float(rng.uniform(0.05, 0.1)), float(rng.uniform(0.06, 0.12)))
        )
    return FacadePlan(seed, width, CORRIDOR_HEIGHT_M, tuple(openings), tuple(slabs), "", (0, 0, 0, 0), (False, False))


def _feature(rng: np.random.Generator, left: float, *, has_windows: bool) -> tuple[float, list[Slab], list[Opening]]:
    """Return where the next thing on the wall ends, its boxes and its hole."""
    kind, style = float(rng.random()), int(rng.integers(1 << 30))
    if has_windows and kind < 0.45:
        return _window(rng, left, style)
    if kind < 0.35:
        right = left + float(rng.uniform(0.85, 1.1))
        door = Opening("door", left, 0.0, right, 2.08, float(rng.uniform(0.05, 0.2)), style, _DARK)
        plate = Slab("sign", right + 0.05, 1.5, right + 0.3, 1.62, 0.015)
        frame = [Slab("frame", edge, 0.0, edge + 0.07, 2.15, 0.03) for edge in (left - 0.07, right)]
        return right + 0.35, [plate, *frame], [door]
    if kind < 0.62:
        span, low = float(rng.uniform(0.7, 1.9)), float(rng.uniform(0.9, 1.25))
        return left + span, [Slab("board", left, low, left + span, low + float(rng.uniform(0.6, 1.1)), 0.03)], []
    if kind < 0.8:
        span, low = float(rng.uniform(0.35, 0.9)), float(rng.uniform(1.15, 1.5))
        return left + span, [Slab("picture", left, low, left + span, low + float(rng.uniform(0.4, 0.85)), 0.04)], []
    if kind < 0.9:
        low = float(rng.uniform(0.4, 0.9))
        return left + 0.4, [Slab("cabinet", left, low, left + 0.4, low + float(rng.uniform(0.5, 0.8)), 0.22)], []
    return left + 0.45, [Slab("column", left, 0.0, left + 0.45, CORRIDOR_HEIGHT_M, float(rng.uniform(0.12, 0.3)))], []


def _window(rng: np.random.Generator, left: float, style: int) -> tuple[float, list[Slab], list[Opening]]:
    """Return a window to the outside, with bars and a radiator below it."""
    right, low, top = left + float(rng.uniform(1.1, 1.9)), float(rng.uniform(0.85, 1.0)), float(rng.uniform(2.1, 2.4))
    hole = Opening("lookout", left, low, right, top, 0.3, style, _DARK)
    middle = (left + right) / 2
    bars = [Slab("frame", middle - 0.04, low, middle + 0.04, top, 0.03)]
    if rng.random() < 0.5:
        level = low + (top - low) * 0.68
        bars.append(Slab("frame", left, level - 0.03, right, level + 0.03, 0.03))
    sill = Slab("sill", left - 0.08, low - 0.05, right + 0.08, low, 0.12)
    heater = Slab("radiator", left + 0.1, 0.15, right - 0.1, low - 0.15, 0.1)
    return right, [*bars, sill, heater], [hole]


def notice(rng: np.random.Generator) -> str:
    """Return a few letters for a board or a door plate."""
    return random_name(rng, 7) if rng.random() < 0.5 else f"{rng.integers(1, 5)}{rng.integers(10, 99)}"
