# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the front of a house in relief: wall with holes, panes set back, ledges, bays, balconies, roof."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.facade_paint import FACADE_TEXELS_PER_M, paint_facade, wall_colour
from sfd2_lab.simulation.materials import blocks, finished, weather
from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.surfaces import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.facade_plan import FacadePlan, Opening, Slab
    from sfd2_lab.simulation.surfaces import Site, SurfaceBuilder

_LABELS = {"window": classes.WINDOW, "shop": classes.WINDOW, "door": classes.DOOR, "gate": classes.DOOR}
_SLAB_LABELS = {
    "sign": classes.SIGNBOARD,
    "balcony": classes.RAILING,
    "board": classes.POSTER,
    "picture": classes.PAINTING,
}
_ROOF_RISE, _ROOF_RUN = 2.6, 4.0


def build_facade(site: Site, frame: NDArray[np.float64], plan: FacadePlan, first_instance: int) -> int:
    """Add a house front to a world.

    Args:
        site: where surfaces and textures go.
        frame: (4, 4) world from facade: x to the right along the wall, y up, z out into the street.
        plan: what to build.
        first_instance: number of the house; its windows and doors get the next ones.

    Returns:
        The first instance number that is still free.
    """
    texture = site.atlas.register(
        (plan.width, plan.height),
        FACADE_TEXELS_PER_M,
        lambda shape: paint_facade(plan, shape),
        ("facade", plan.seed, str(plan.width)),
    )
    free = build_wall(site.builder, frame, plan, Look(texture, classes.BUILDING, first_instance))
    _build_roof(site, frame, plan, first_instance)
    return free


def build_wall(builder: SurfaceBuilder, frame: NDArray[np.float64], plan: FacadePlan, wall: Look) -> int:
    """Add a wall in relief: holes with their panes, boxes in front; return the first free instance number."""
    for left, bottom, right, top in _wall_parts(plan):
        builder.rectangle(frame, (left, bottom, 0), (right - left, 0, 0), (0, top - bottom, 0), wall)
    for slab in plan.slabs:
        _build_slab(builder, frame, slab, wall)
    for number, opening in enumerate(plan.openings, start=wall.instance + 1):
        _build_opening(builder, frame, opening, wall, number)
    return wall.instance + 1 + len(plan.openings)


def _wall_parts(plan: FacadePlan) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes (left, bottom, right, top) of the wall between its openings."""
    levels = sorted({0.0, plan.height, *(o.bottom for o in plan.openings), *(o.top for o in plan.openings)})
    pending: tuple[tuple[tuple[float, float], ...], float] | None = None
    for bottom, top in itertools.pairwise(levels):
        middle = (bottom + top) / 2
        holes = sorted((o.left, o.right) for o in plan.openings if o.bottom < middle < o.top)
        edges = [0.0, *(edge for hole in holes for edge in hole), plan.width]
        spans = tuple((edges[k], edges[k + 1]) for k in range(0, len(edges), 2) if edges[k + 1] > edges[k])
        if pending and pending[0] == spans:
            continue
        if pending:
            yield from ((left, pending[1], right, bottom) for left, right in pending[0])
        pending = (spans, bottom)
    if pending:
        yield from ((left, pending[1], right, plan.height) for left, right in pending[0])


def _build_opening(
    builder: SurfaceBuilder, frame: NDArray[np.float64], opening: Opening, wall: Look, instance: int
) -> None:
    left, bottom, right, top, depth = opening.left, opening.bottom, opening.right, opening.top, opening.depth
    width, height = right - left, top - bottom
    is_glass = opening.kind in {"window", "shop"}
    pane = Look(
        wall.texture,
        _LABELS.get(opening.kind, wall.label),
        instance,
        emission=opening.glow,
        gloss=0.6 if is_glass else 0.15,
        shade=0.85,
    )
    if opening.kind != "lookout":
        builder.rectangle(frame, (left, bottom, -depth), (width, 0, 0), (0, height, 0), pane)
    side, lintel = dataclasses.replace(wall, shade=0.72), dataclasses.replace(wall, shade=0.5)
    # Reveals continue the wall beside the hole, so that they are of its material.
    builder.rectangle(frame, (left, bottom, 0), (0, 0, -depth), (0, height, 0), side, uv=(left - depth, bottom))
    builder.rectangle(frame, (right, bottom, -depth), (0, 0, depth), (0, height, 0), side, uv=(right, bottom))
    builder.rectangle(frame, (left, bottom, 0), (width, 0, 0), (0, 0, -depth), side, uv=(left, bottom - depth))
    builder.rectangle(frame, (left, top, -depth), (width, 0, 0), (0, 0, depth), lintel, uv=(left, top))


def _build_slab(builder: SurfaceBuilder, frame: NDArray[np.float64], slab: Slab, wall: Look) -> None:
    label = _SLAB_LABELS.get(slab.kind, wall.label)
    emission = (0.9, 0.85, 0.8) if slab.kind == "sign" else (0.0, 0.0, 0.0)
    look = dataclasses.replace(wall, label=label, emission=emission)
    left, bottom, right, top, depth = slab.left, slab.bottom, slab.right, slab.top, slab.depth
    width, height = right - left, top - bottom
    builder.rectangle(frame, (left, bottom, depth), (width, 0, 0), (0, height, 0), look)
    side, below = dataclasses.replace(look, shade=0.85), dataclasses.replace(look, shade=0.45)
    builder.rectangle(frame, (left, bottom, 0), (0, 0, depth), (0, height, 0), side, uv=(left, bottom))
    builder.rectangle(frame, (right, bottom, depth), (0, 0, -depth), (0, height, 0), side, uv=(right - depth, bottom))
    builder.rectangle(frame, (left, top, depth), (width, 0, 0), (0, 0, -depth), look, uv=(left, top - depth))
    builder.rectangle(frame, (left, bottom, 0), (width, 0, 0), (0, 0, depth), below, uv=(left, bottom))


def _build_roof(site: Site, frame: NDArray[np.float64], plan: FacadePlan, instance: int) -> None:
    """Add the front slope of the roof and the gables, plain walls that show above lower neighbours."""
    slope = (_ROOF_RISE**2 + _ROOF_RUN**2) ** 0.5
    builder, atlas = site.builder, site.atlas
    tiles = atlas.register((plan.width, slope), 25.0, lambda shape: _paint_roof(plan.seed, shape), ("roof", plan.seed))
    # Round a corner the roof goes on as a hip.
    cuts = [0.0 if gable else min(_ROOF_RUN, plan.width / 2) for gable in plan.gables]
    ridge, foot = plan.height + _ROOF_RISE, (plan.height, 0.15)
    corners = (
        (0.0, *foot),
        (plan.width, *foot),
        (plan.width - cuts[1], ridge, 0.15 - _ROOF_RUN),
        (cuts[0], ridge, 0.15 - _ROOF_RUN),
    )
    up = (0.0, _ROOF_RISE / slope, -_ROOF_RUN / slope)
    builder.polygon(frame, corners, Look(tiles, classes.BUILDING, instance), (corners[0], (1.0, 0.0, 0.0), up))
    gable = atlas.register(
        (2 * _ROOF_RUN, plan.height), 20.0, lambda shape: _paint_gable(plan.seed, shape), ("gable", plan.seed)
    )
    side = Look(gable, classes.BUILDING, instance)
    ends = (((0, 0, -2 * _ROOF_RUN), (0, 0, 2 * _ROOF_RUN)), ((plan.width, 0, 0), (0, 0, -2 * _ROOF_RUN)))
    # At the corner of a block the front of the next street stands there.
    for start, along in itertools.compress(ends, plan.gables):
        builder.rectangle(frame, start, along, (0, plan.height, 0), side, uv=(0.0, 0.0))
        first = (start[0], plan.height, start[2])
        last = (start[0], plan.height, start[2] + along[2])
        peak = (start[0], plan.height + _ROOF_RISE, -_ROOF_RUN)
        direction = (0.0, 0.0, 1.0 if along[2] > 0 else -1.0)
        builder.polygon(
            frame, (first, last, peak), side, ((start[0], _ROOF_RISE, start[2]), direction, (0.0, 1.0, 0.0))
        )


def _paint_roof(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "roof")
    palette = ((0.5, 0.27, 0.2), (0.32, 0.33, 0.36), (0.42, 0.33, 0.28))
    colour = wall_colour(seed) * 0 + palette[int(rng.integers(3))]
    painted = blocks(rng, shape, 25.0, colour.astype("float32"), (0.3, 0.33), contrast=0.12, joint=-0.15)
    weather(rng, painted, 25.0, 0.6)
    return finished(painted)


def _paint_gable(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "gable")
    painted = blocks(rng, shape, 20.0, wall_colour(seed) * 0.8, (0.5, 0.25), contrast=0.1)
    weather(rng, painted, 20.0)
    return finished(painted)
