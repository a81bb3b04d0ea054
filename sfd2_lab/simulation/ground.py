# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds carriageways, junctions, kerbs and pavements in pieces, each with its own texture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.ground_paint import RoadPiece, paint_kerb, paint_pavement, paint_road
from sfd2_lab.simulation.surfaces import Look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.city_plan import Block, CityPlan, Street
    from sfd2_lab.simulation.surfaces import Site

    Point = NDArray[np.float64]

KERB_M = 0.12
_PIECE_M = 9.0
_TEXELS_PER_M = 45.0
# kind: (painter, class, ground, height in metres)
_GROUNDS = {
    "road": (paint_road, classes.ROAD, 1, 0.0),
    "junction": (paint_road, classes.ROAD, 1, 0.0),
    "pavement": (paint_pavement, classes.SIDEWALK, 2, KERB_M),
}


def build_street(site: Site, plan: CityPlan, street: Street, instance: int) -> None:
    """Add the carriageway between two junctions."""
    left, right = street_kerbs(plan, street)
    length = float(np.linalg.norm((left[1] + right[1] - left[0] - right[0]) / 2))
    pieces = max(1, round(length / _PIECE_M))
    for piece in range(pieces):
        low, high = piece / pieces, (piece + 1) / pieces
        corners = np.array([_mix(right, low), _mix(right, high), _mix(left, high), _mix(left, low)])
        seed = plan.seed * 1009 + street.number * 31 + piece
        what = RoadPiece(seed, street.half_width, low * length, length, "road")
        _ground_polygon(site, corners, _mix(right, 1) - _mix(right, 0), instance, what)


def build_junction(site: Site, seed: int, corners: Point, instance: int) -> None:
    """Add the carriageway where streets meet, given its (4, 2) corners counter-clockwise."""
    what = RoadPiece(seed, 0.0, 0.0, 0.0, "junction")
    _ground_polygon(site, corners, corners[1] - corners[0], instance, what)


def build_pavement(site: Site, block: Block, seed: int, instance: int) -> None:
    """Add the pavement around a block, and its kerb."""
    for side in range(4):
        outer = block.kerb[side], block.kerb[(side + 1) % 4]
        inner = block.walls[side], block.walls[(side + 1) % 4]
        length = float(np.linalg.norm(outer[1] - outer[0]))
        pieces = max(1, round(length / _PIECE_M))
        for piece in range(pieces):
            low, high = piece / pieces, (piece + 1) / pieces
            corners = np.array([_mix(outer, low), _mix(outer, high), _mix(inner, high), _mix(inner, low)])
            number = seed * 4099 + side * 101 + piece
            what = RoadPiece(number, 0.0, 0.0, 0.0, "pavement")
            _ground_polygon(site, corners, outer[1] - outer[0], instance, what)
            _kerb(site, corners[:2], number, instance)


def street_kerbs(plan: CityPlan, street: Street) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    """Return the left and the right kerb line of a street, each as two (2,) points from start to end."""
    kerbs: dict[str, tuple[Point, Point]] = {}
    for block in plan.blocks:
        for side, candidate in enumerate(block.streets):
            if candidate is street:
                first, second = block.kerb[side], block.kerb[(side + 1) % 4]
                heading = plan.nodes[street.end] - plan.nodes[street.start]
                # A block runs counter-clockwise: a street along its side has the block on its left.
                if float((second - first) @ heading) > 0:
                    kerbs["left"] = (first, second)
                else:
                    kerbs["right"] = (second, first)
    return kerbs["left"], kerbs["right"]


def _mix(line: tuple[Point, Point], share: float) -> Point:
    return line[0] + (line[1] - line[0]) * share


def _ground_polygon(site: Site, corners: Point, heading: Point, instance: int, what: RoadPiece) -> None:
    """Add a flat piece of ground; its texture's up is the heading, its right is to the right of that."""
    up = heading / np.linalg.norm(heading)
    right = np.array([up[1], -up[0]])
    across, along = corners @ right, corners @ up
    low = right * across.min() + up * along.min()
    size = (float(np.ptp(across)), float(np.ptp(along)))
    paint, label, ground, height = _GROUNDS[what.kind]
    texture = site.atlas.register(
        size, _TEXELS_PER_M, lambda shape: paint(what, shape), ("ground", what.kind, what.seed)
    )
    look = Look(texture, label, instance, ground=ground)
    points = np.concatenate([corners, np.full((4, 1), height)], 1)
    site.builder.polygon(np.eye(4), points, look, ((*low, height), (*right, 0.0), (*up, 0.0)))


def _kerb(site: Site, line: Point, seed: int, instance: int) -> None:
    first, second = line
    length = float(np.linalg.norm(second - first))
    texture = site.atlas.register(
        (length, KERB_M), _TEXELS_PER_M, lambda shape: paint_kerb(seed, shape), ("kerb", seed)
    )
    look = Look(texture, classes.SIDEWALK, instance, ground=2)
    along = (*(second - first), 0.0)
    site.builder.rectangle(np.eye(4), (*first, 0.0), along, (0.0, 0.0, KERB_M), look, uv=(0.0, 0.0))
