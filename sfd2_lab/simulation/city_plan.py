# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where streets, blocks and junctions of a town lie: a crooked grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.randomness import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Point = NDArray[np.float64]

NODES = 5
_TWIN_ROWS = (1, 2)
"""The blocks of the second row look as those of the first, where a town has twins."""
PARKING_M = 2.1


@dataclass(frozen=True, eq=False)
class Street:
    """The road between two junctions.

    Attributes:
        start: node (column, row).
        end: node (column, row).
        half_width: of the carriageway with its parking lanes, metres.
        has_trees: whether trees line it.
        number: of the street, for seeds.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    half_width: float
    has_trees: bool
    number: int


@dataclass(frozen=True, eq=False)
class Block:
    """Houses between four streets, corners counter-clockwise seen from above.

    Attributes:
        cell: column and row.
        kerb: (4, 2) outer border of the pavement, metres.
        walls: (4, 2) line of the house fronts.
        streets: the street along each side; side k runs from corner k to corner k + 1.
        look: the cell whose houses, pavement and trees it has: its own, or that of its twin.
    """

    cell: tuple[int, int]
    kerb: Point
    walls: Point
    streets: tuple[Street, ...]
    look: tuple[int, int]


@dataclass(frozen=True, eq=False)
class CityPlan:
    """A town.

    Attributes:
        seed: of the world.
        nodes: (NODES, NODES, 2) junctions by column and row, metres.
        streets: by their two nodes, lower one first.
        blocks: all of them.
    """

    seed: int
    nodes: Point
    streets: dict[tuple[tuple[int, int], tuple[int, int]], Street]
    blocks: tuple[Block, ...]

    def bounds(self) -> tuple[float, float, float, float]:
        """Return x and y of the lower left and the upper right corner, metres."""
        low, high = self.nodes.reshape(-1, 2).min(0) - 10, self.nodes.reshape(-1, 2).max(0) + 10
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def plan_city(seed: int, *, has_twins: bool = False) -> CityPlan:
    """Plan the town of a world seed.

    Args:
        seed: of the world.
        has_twins: whether the blocks of the third row are copies of those of the second, on a straight grid.
    """
    rng = generator(seed, "city")
    spacing = rng.uniform((68, 62), (96, 84))
    skew = rng.uniform(-0.12, 0.12, 2)
    index = np.stack(np.meshgrid(np.arange(NODES), np.arange(NODES), indexing="ij"), -1).astype(np.float64)
    nodes = index * spacing + index[..., ::-1] * skew * spacing
    jitter = rng.uniform(-5, 5, nodes.shape)
    nodes += 0.0 if has_twins else jitter
    nodes -= nodes[1, 1]
    streets = _plan_streets(rng, has_twins=has_twins)
    cells = [(column, row) for column in range(NODES - 1) for row in range(NODES - 1)]
    blocks = tuple(_plan_block(rng, nodes, streets, cell) for cell in cells)
    if has_twins:
        blocks = tuple(_twin_of(block, blocks, nodes) if block.cell[1] == _TWIN_ROWS[1] else block for block in blocks)
    return CityPlan(seed, nodes, streets, blocks)


def _twin_of(block: Block, blocks: tuple[Block, ...], nodes: Point) -> Block:
    """Return a block that looks as the one beside it in the row of the first twin."""
    first = next(one for one in blocks if one.cell == (block.cell[0], _TWIN_ROWS[0]))
    moved = nodes[block.cell] - nodes[first.cell]
    return Block(block.cell, first.kerb + moved, first.walls + moved, block.streets, first.cell)


def _plan_streets(
    rng: np.random.Generator, *, has_twins: bool
) -> dict[tuple[tuple[int, int], tuple[int, int]], Street]:
    lanes = {(axis, line): rng.uniform(2.7, 3.3) for axis in range(2) for line in range(NODES)}
    trees = {(axis, line): rng.random() < 0.5 for axis in range(2) for line in range(NODES)}
    if has_twins:  # the three streets across, along which the twins lie, are alike
        for row in (_TWIN_ROWS[1], _TWIN_ROWS[1] + 1):
            lanes[0, row], trees[0, row] = lanes[0, _TWIN_ROWS[0]], trees[0, _TWIN_ROWS[0]]
    streets: dict[tuple[tuple[int, int], tuple[int, int]], Street] = {}
    for column in range(NODES):
        for row in range(NODES):
            for axis, end in enumerate(((column + 1, row), (column, row + 1))):
                if max(end) < NODES:
                    line = (axis, row if axis == 0 else column)
                    start, number = (column, row), len(streets)
                    streets[start, end] = Street(start, end, lanes[line] + PARKING_M, trees[line], number)
    return streets


def _plan_block(
    rng: np.random.Generator,
    nodes: Point,
    streets: dict[tuple[tuple[int, int], tuple[int, int]], Street],
    cell: tuple[int, int],
) -> Block:
    column, row = cell
    ring = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    around = [streets[min(a, b), max(a, b)] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    corners = np.array([nodes[node] for node in ring])
    kerb = inset(corners, np.array([street.half_width for street in around]))
    walls = inset(kerb, rng.uniform(2.4, 3.4, 4))
    return Block(cell, kerb, walls, tuple(around), cell)


def inset(corners: Point, distances: Point) -> Point:
    """Move each side of a convex counter-clockwise polygon (K, 2) inwards by its distance in metres."""
    sides = np.roll(corners, -1, 0) - corners
    sides = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    inward = np.stack([-sides[:, 1], sides[:, 0]], 1)
    starts = corners + inward * distances[:, None]
    moved = np.empty_like(corners)
    for k in range(len(corners)):
        before = k - 1
        matrix = np.stack([sides[before], -sides[k]], 1)
        along = np.linalg.solve(matrix, starts[k] - starts[before])
        moved[k] = starts[before] + along[0] * sides[before]
    return moved
