# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a corridor: walls in relief, floor, ceiling with lamps, and the lawn outside its windows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.boxes import add_box
from sfd2_lab.simulation.city_plan import inset
from sfd2_lab.simulation.facade import build_wall
from sfd2_lab.simulation.indoor_paint import INDOOR_TEXELS_PER_M, paint_ceiling, paint_floor, paint_indoor_wall
from sfd2_lab.simulation.indoor_plan import CORRIDOR_HEIGHT_M, plan_wall
from sfd2_lab.simulation.lighting import Lamps
from sfd2_lab.simulation.materials import finished
from sfd2_lab.simulation.randomness import fractal_noise, generator
from sfd2_lab.simulation.surfaces import Look, Site, SurfaceBuilder, Surfaces, frame_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.indoor_plan import CorridorPlan

    Point = NDArray[np.float64]

_PIECE_M = 7.0
_LAMP_SPACING_M = 3.2
_LAMP_COLOUR = (1.0, 0.96, 0.88)
_LAWN_M = 60.0
_EAVES_M = 0.6


class CorridorMason:
    """Builds one corridor; afterwards `surfaces`, `lamps` and `next_instance` hold it."""

    def __init__(self, plan: CorridorPlan, atlas: TextureAtlas) -> None:
        """Build everything."""
        self._plan, self._site = plan, Site(SurfaceBuilder(), atlas)
        self.next_instance = 1
        lights: list[Point] = []
        for side in range(4):
            outer = plan.outer[(side + 1) % 4], plan.outer[side]
            inner = plan.inner[side], plan.inner[(side + 1) % 4]
            self._wall(outer, side * 2, has_windows=True)
            self._wall(inner, side * 2 + 1, has_windows=False)
            self._floor_and_ceiling(side)
            lights += self._lamps(side)
        self._lawn()
        self._roof()
        self.surfaces: Surfaces = self._site.builder.build()
        position = np.array(lights)
        self.lamp_instances = np.unique(self.surfaces.instance[self.surfaces.label == classes.LIGHT])
        self.lamps = Lamps(position, np.tile(np.array(_LAMP_COLOUR) * 3.0, (len(position), 1)))

    def _next(self) -> int:
        self.next_instance += 1
        return self.next_instance - 1

    def _wall(self, line: tuple[Point, Point], number: int, *, has_windows: bool) -> None:
        first, second = line
        length = float(np.linalg.norm(second - first))
        pieces = max(1, round(length / _PIECE_M))
        along = (second - first) / length
        for piece in range(pieces):
            seed = self._plan.seed * 7919 + number * 131 + piece
            plan = plan_wall(seed, length / pieces, has_windows=has_windows)
            texture = self._site.atlas.register(
                (plan.width, plan.height),
                INDOOR_TEXELS_PER_M,
                partial(paint_indoor_wall, plan, self._plan.seed),
                ("indoor wall", seed),
            )
            foot = np.array((*(first + along * (length * piece / pieces)), 0.0))
            look = Look(texture, classes.WALL, self.next_instance)
            self.next_instance = build_wall(self._site.builder, frame_at(foot, (*along, 0.0)), plan, look)

    def _floor_and_ceiling(self, side: int) -> None:
        outer, inner = self._plan.outer, self._plan.inner
        corners = np.array([outer[side], outer[(side + 1) % 4], inner[(side + 1) % 4], inner[side]])
        along = corners[1] - corners[0]
        pieces = max(1, round(float(np.linalg.norm(along)) / _PIECE_M))
        floor, ceiling = self._next(), self._next()
        for piece in range(pieces):
            low, high = piece / pieces, (piece + 1) / pieces
            part = np.array(
                [
                    corners[0] + (corners[1] - corners[0]) * low,
                    corners[0] + (corners[1] - corners[0]) * high,
                    corners[3] + (corners[2] - corners[3]) * high,
                    corners[3] + (corners[2] - corners[3]) * low,
                ]
            )
            seed, world = self._plan.seed * 977 + side * 31 + piece, self._plan.seed
            self._flat(part, along, 0.0, (classes.FLOOR, floor), partial(paint_floor, seed, world))
            below = partial(paint_ceiling, seed)
            self._flat(part[::-1], -along, CORRIDOR_HEIGHT_M, (classes.CEILING, ceiling), below)

    def _flat(self, corners: Point, along: Point, height: float, ids: tuple[int, int], paint: object) -> None:
        """Add a flat piece seen from the side on which its corners run counter-clockwise."""
        is_floor = ids[0] == classes.FLOOR
        right = along / np.linalg.norm(along)
        up = np.array([-right[1], right[0]]) * (1.0 if is_floor else -1.0)
        across, forth = corners @ right, corners @ up
        low = right * across.min() + up * forth.min()
        density = 80.0 if is_floor else 50.0
        size = (float(np.ptp(across)), float(np.ptp(forth)))
        key = ("flat", ids[0], ids[1], str(corners[0].tolist()))
        texture = self._site.atlas.register(size, density, paint, key)  # type: ignore[arg-type]
        look = Look(texture, ids[0], ids[1], gloss=0.25 if is_floor else 0.0)
        points = np.concatenate([corners, np.full((4, 1), height)], 1)
        axes = ((*low, height), (*right, 0.0), (*up, 0.0))
        self._site.builder.polygon(np.eye(4), points, look, axes)

    def _lamps(self, side: int) -> list[Point]:
        """Hang lamps along the middle of one side; return where they shine from."""
        middle = self._plan.middle()
        first, second = middle[side], middle[(side + 1) % 4]
        length = float(np.linalg.norm(second - first))
        along = (second - first) / length
        texture = self._site.atlas.register((1.2, 0.3), 40.0, _paint_lamp, ("indoor lamp",))
        places = []
        for number in range(int(length / _LAMP_SPACING_M)):
            place = first + along * ((number + 0.5) * length / int(length / _LAMP_SPACING_M))
            foot = np.array((*place, CORRIDOR_HEIGHT_M - 0.09))
            look = Look(texture, classes.LIGHT, self._next(), emission=(1.6, 1.55, 1.45))
            frame = frame_at(foot, (*along, 0.0), (-along[1], along[0], 0.0))
            add_box(self._site.builder, frame, (-0.6, -0.14, 0.0), (0.6, 0.14, 0.08), look)
            places.append(foot - np.array((0, 0, 0.25)))
        return places

    def _lawn(self) -> None:
        low, high = self._plan.outer.min(0) - _LAWN_M, self._plan.outer.max(0) + _LAWN_M
        size = high - low
        seed = self._plan.seed
        texture = self._site.atlas.register(
            (float(size[0]), float(size[1])), 8.0, lambda shape: _paint_lawn(seed, shape), ("lawn", seed)
        )
        look = Look(texture, classes.EARTH, self._next(), ground=2)
        self._site.builder.rectangle(np.eye(4), (*low, -0.4), (size[0], 0, 0), (0, size[1], 0), look, uv=(0.0, 0.0))

    def _roof(self) -> None:
        """Lay a roof that stands over, so that the sun comes in through the windows only."""
        outer, inner = inset(self._plan.outer, np.full(4, -_EAVES_M)), inset(self._plan.inner, np.full(4, _EAVES_M))
        texture = self._site.atlas.register((1.0, 1.0), 10.0, _paint_lamp, ("roof felt",))
        look = Look(texture, classes.BUILDING, self._next(), is_double_sided=True)
        for side in range(4):
            after = (side + 1) % 4
            corners = np.array([outer[side], outer[after], inner[after], inner[side]])
            points = np.concatenate([corners, np.full((4, 1), CORRIDOR_HEIGHT_M + 0.06)], 1)
            axes = (points[0], (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
            self._site.builder.polygon(np.eye(4), points, look, axes)


def _paint_lamp(shape: tuple[int, int]) -> NDArray[np.uint8]:
    return finished(np.full((*shape, 3), 0.9, np.float32), np.ones(shape, np.float32))


def _paint_lawn(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "lawn")
    noise = fractal_noise(rng, shape, [40.0, 8.0, 1.0], (0.1, 0.1, 0.15))[..., None]
    return finished(np.asarray(np.array((0.34, 0.42, 0.24)) * (1 + noise), dtype=np.float32))
