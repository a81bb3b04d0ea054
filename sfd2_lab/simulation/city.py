# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a town from its plan: what stays from session to session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.facade import build_facade
from sfd2_lab.simulation.facade_plan import plan_facade
from sfd2_lab.simulation.furniture import LAMP_COLOUR, build_box, build_lamp, build_sign_post
from sfd2_lab.simulation.ground import KERB_M, build_junction, build_pavement, build_street, street_kerbs
from sfd2_lab.simulation.lighting import Lamps
from sfd2_lab.simulation.occlusion import OcclusionMap
from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.surfaces import Site, SurfaceBuilder, frame_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.city_plan import Block, CityPlan
    from sfd2_lab.simulation.surfaces import Surfaces

    Point = NDArray[np.float64]

_REACH_M = 130.0


@dataclass(frozen=True, eq=False)
class TreePit:
    """Where a tree stands: its seed, foot (3,) metres, and instance number."""

    seed: int
    foot: Point
    instance: int


@dataclass(frozen=True, eq=False)
class City:
    """A town without its cars, people and leaves.

    Attributes:
        plan: where things lie.
        surfaces: houses, ground, lamps, signs.
        lamps: lights.
        trees: where trees stand.
        occlusion: sky seen from the ground.
        next_instance: first free instance number.
        trees_built: trees with their leaves by season and session, since many conditions share them.
    """

    plan: CityPlan
    surfaces: Surfaces
    lamps: Lamps
    trees: tuple[TreePit, ...]
    occlusion: OcclusionMap
    next_instance: int
    trees_built: dict[tuple[str, int], Surfaces] = field(default_factory=dict)


def build_city(plan: CityPlan, atlas: TextureAtlas, route: Point) -> City:
    """Build what can be seen from a route.

    Args:
        plan: of the town.
        atlas: where textures go.
        route: (N, 2) places of the drive, metres.
    """
    return _Mason(plan, atlas, route).build()


class _Mason:
    """Builds one town; holds the running instance number."""

    def __init__(self, plan: CityPlan, atlas: TextureAtlas, route: Point) -> None:
        self.plan = plan
        self.route = route[:: max(1, len(route) // 60)]
        self.site = Site(SurfaceBuilder(), atlas)
        self.instance = 1
        self.lights: list[Point] = []
        self.trees: list[TreePit] = []

    def build(self) -> City:
        """Build everything."""
        for block in self.plan.blocks:
            self._houses(block)
            if self._is_near(block.kerb.mean(0), 70):
                build_pavement(
                    self.site,
                    block,
                    self.plan.seed * 61 + block.look[0] * 7 + block.look[1],
                    self._next(),
                )
            for side in range(4):
                self._furniture(block, side)
        self._roads()
        occlusion = OcclusionMap(self.plan.bounds())
        occlusion.add_buildings([block.walls for block in self.plan.blocks])
        position = np.array(self.lights).reshape(-1, 3)
        lamps = Lamps(position, np.tile(np.array(LAMP_COLOUR) * 34.0, (len(position), 1)))
        return City(self.plan, self.site.builder.build(), lamps, tuple(self.trees), occlusion, self.instance)

    def _next(self) -> int:
        self.instance += 1
        return self.instance - 1

    def _is_near(self, place: Point, slack: float = 0.0) -> bool:
        return bool(np.linalg.norm(self.route - place, axis=1).min() < _REACH_M + slack)

    def _houses(self, block: Block) -> None:
        for side in range(4):
            first, second = block.walls[side], block.walls[(side + 1) % 4]
            length = float(np.linalg.norm(second - first))
            rng = generator(self.plan.seed, "plots", *block.look, side)
            widths = _plots(rng, length)
            along, start = (second - first) / length, 0.0
            for number, width in enumerate(widths):
                seed, setback = int(rng.integers(1 << 30)), float(rng.uniform(0, 0.25))
                is_start, is_end = number == 0, number == len(widths) - 1
                if self._is_near(first + along * (start + width / 2)):
                    corner = side if is_start else (side + 1) % 4 if is_end else None
                    house = 0 if corner is None else self._corner_house(block, corner)
                    plan = plan_facade(seed, width, (not is_start, not is_end), house)
                    back = np.array((-along[1], along[0])) * (0.0 if is_start or is_end else setback)
                    foot = np.array((*(first + along * start + back), KERB_M))
                    frame = frame_at(foot, (*along, 0.0))
                    self.instance = build_facade(self.site, frame, plan, self.instance)
                start += width

    def _corner_house(self, block: Block, corner: int) -> int:
        return int(generator(self.plan.seed, "corner", *block.look, corner).integers(1, 1 << 30))

    def _furniture(self, block: Block, side: int) -> None:
        """Line a side of a block with lamps, trees, signs and boxes, in step with the distance along it."""
        first, second = block.kerb[side], block.kerb[(side + 1) % 4]
        length = float(np.linalg.norm(second - first))
        along = (second - first) / length
        inward = np.array((-along[1], along[0]))
        rng = generator(self.plan.seed, "furniture", *block.look, side)
        street = block.streets[side]
        has_lamps = side in {0, 3}
        place, step = float(rng.uniform(4, 9)), 0
        while place < length - 5:
            foot = np.array((*(first + along * place + inward * 0.55), KERB_M))
            is_near = self._is_near(foot[:2])
            seed = int(rng.integers(1 << 30))
            kind = "lamp" if has_lamps and step % 3 == 1 else "tree" if street.has_trees and step % 2 == 0 else "other"
            if is_near:
                self._stand(kind, seed, foot, along, inward)
            place += float(rng.uniform(4.5, 6.5))
            step += 1

    def _stand(self, kind: str, seed: int, foot: Point, along: Point, inward: Point) -> None:
        if kind == "lamp":
            light = build_lamp(self.site, seed, foot, -inward, self._next())
            self.lights.append(light)
        elif kind == "tree":
            self.trees.append(TreePit(seed, foot, self._next()))
        elif seed % 3 == 0:
            # Traffic keeps to the right: who passes a block, counter-clockwise as its sides are, drives against them.
            build_sign_post(self.site, seed, foot, -along, self._next())
        elif seed % 3 == 1:
            build_box(self.site, seed, foot, along, self._next())

    def _roads(self) -> None:
        for street in self.plan.streets.values():
            middle = (self.plan.nodes[street.start] + self.plan.nodes[street.end]) / 2
            is_inner = all(0 < street.start[1 - axis] < len(self.plan.nodes) - 1 for axis in (_axis(street),))
            if is_inner and self._is_near(middle, 50):
                build_street(self.site, self.plan, street, self._next())
        for column in range(1, len(self.plan.nodes) - 1):
            for row in range(1, len(self.plan.nodes) - 1):
                corners = self._junction(column, row)
                if self._is_near(corners.mean(0), 30):
                    build_junction(self.site, self.plan.seed * 17 + column * 5 + row, corners, self._next())

    def _junction(self, column: int, row: int) -> Point:
        """Return the (4, 2) kerb corners around a node, counter-clockwise."""
        blocks = {block.cell: block for block in self.plan.blocks}
        cells = ((column - 1, row - 1, 2), (column, row - 1, 3), (column, row, 0), (column - 1, row, 1))
        return np.array([blocks[x, y].kerb[corner] for x, y, corner in cells])


def _axis(street: object) -> int:
    start, end = street.start, street.end  # type: ignore[attr-defined]
    return 0 if end[0] != start[0] else 1


def _plots(rng: np.random.Generator, length: float) -> list[float]:
    """Divide a length into house fronts of 6 to 15 metres."""
    shares = rng.uniform(6.0, 15.0, max(1, round(length / 10.5)))
    return [float(share) for share in shares / shares.sum() * length]


__all__ = ["City", "TreePit", "build_city", "street_kerbs"]
