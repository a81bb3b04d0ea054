# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a facade consists of: floors, openings, ledges, balconies, signs. Drawn and built from the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.simulation.lettering import random_name
from sfd2_lab.simulation.randomness import generator

if TYPE_CHECKING:
    import numpy as np

    from sfd2_lab.simulation.surfaces import Vector


@dataclass(frozen=True)
class Opening:
    """A hole in the wall, metres from the lower left corner of the facade.

    Attributes:
        kind: "window", "shop", "door", "gate", or "lookout" for a window without pane.
        left: of the hole.
        bottom: of the hole.
        right: of the hole.
        top: of the hole.
        depth: how far its pane is set back.
        style: a number that decides how it is drawn.
        glow: light behind it at night, linear RGB.
    """

    kind: str
    left: float
    bottom: float
    right: float
    top: float
    depth: float
    style: int
    glow: Vector


@dataclass(frozen=True)
class Slab:
    """A box in front of the wall: left, bottom, right, top, and how far it stands out; all metres."""

    kind: str
    left: float
    bottom: float
    right: float
    top: float
    depth: float


@dataclass(frozen=True)
class FacadePlan:
    """One house front.

    Attributes:
        seed: decides its look.
        width: metres.
        height: metres, to the eaves.
        openings: holes.
        slabs: boxes in front: ledges, sills, balconies, bays, pilasters.
        sign: text above the shop, or nothing.
        sign_box: left, bottom, right, top of the sign.
        gables: whether the left and the right neighbour stand in line, so that a plain wall shows above them.
    """

    seed: int
    width: float
    height: float
    openings: tuple[Opening, ...]
    slabs: tuple[Slab, ...]
    sign: str
    sign_box: tuple[float, float, float, float]
    gables: tuple[bool, bool]


_GLOWS: tuple[Vector, ...] = (
    (0.9, 0.62, 0.34),
    (0.8, 0.66, 0.45),
    (0.62, 0.62, 0.6),
    (0.95, 0.5, 0.25),
    (0.35, 0.45, 0.7),
)


def plan_facade(seed: int, width: float, gables: tuple[bool, bool] = (True, True), house: int = 0) -> FacadePlan:
    """Plan a house front.

    Args:
        seed: decides its look.
        width: metres.
        gables: as in `FacadePlan`.
        house: decides its heights; both fronts of a corner house have the same number.
    """
    rng, tall = generator(seed, "plan"), generator(house or seed, "heights")
    ground_height = float(tall.uniform(3.1, 4.4))
    floor_height = float(tall.uniform(2.75, 3.5))
    floors = int(tall.integers(1, 5))
    height = ground_height + floors * floor_height + float(tall.uniform(0.3, 1.1))
    openings, slabs = _upper_floors(rng, width, ground_height, floor_height, floors)
    has_shop = width > 5 and rng.random() < 0.6
    openings += _ground_floor(rng, width, ground_height, has_shop=has_shop)
    slabs += _ledges(rng, (width, height), ground_height, floor_height, floors)
    sign_box = (0.4, ground_height - 0.75, width - 0.4, ground_height - 0.15)
    if rng.random() < 0.5:
        centre, half = float(rng.uniform(0.35, 0.65)) * width, float(rng.uniform(0.2, 0.4)) * width
        sign_box = (max(0.3, centre - half), sign_box[1], min(width - 0.3, centre + half), sign_box[3])
    sign = random_name(rng) if has_shop else ""
    if sign:
        slabs.append(Slab("sign", *sign_box, float(rng.uniform(0.06, 0.2))))
    return FacadePlan(seed, width, height, tuple(openings), tuple(slabs), sign, sign_box, gables)


def _glow(rng: np.random.Generator) -> Vector:
    colour = _GLOWS[int(rng.integers(len(_GLOWS)))]
    strength = float(rng.uniform(0.25, 0.9))
    return (colour[0] * strength, colour[1] * strength, colour[2] * strength)


def _upper_floors(
    rng: np.random.Generator, width: float, ground_height: float, floor_height: float, floors: int
) -> tuple[list[Opening], list[Slab]]:
    margin = float(rng.uniform(0.5, 0.9))
    count = max(1, int((width - 2 * margin) / rng.uniform(1.9, 3.3)))
    pitch = (width - 2 * margin) / count
    half = float(rng.uniform(0.42, min(0.85, pitch * 0.38)))
    sill, tall = float(rng.uniform(0.6, 0.95)), float(rng.uniform(1.25, 1.75))
    depth = float(rng.uniform(0.1, 0.28))
    bay = int(rng.integers(count)) if rng.random() < 0.3 and pitch > 2.2 else -1
    openings, slabs = [], []
    for floor in range(floors):
        base = ground_height + floor * floor_height
        stretch = 1.0 if floor < floors - 1 else float(rng.uniform(0.75, 1.0))
        for col in range(count):
            if rng.random() < 0.05:
                continue
            middle = margin + (col + 0.5) * pitch + float(rng.normal(0, 0.02))
            if col == bay:
                slabs.append(
                    Slab("bay", middle - half - 0.35, base + 0.3, middle + half + 0.35, base + floor_height - 0.2, 0.7)
                )
                continue
            has_balcony = rng.random() < 0.12
            bottom = base + (0.12 if has_balcony else sill)
            style, glow = int(rng.integers(1 << 30)), _glow(rng)
            top = base + min(sill + tall * stretch, floor_height - 0.25)
            openings.append(Opening("window", middle - half, bottom, middle + half, top, depth, style, glow))
            if has_balcony:
                slabs.append(Slab("balcony", middle - half - 0.5, base - 0.1, middle + half + 0.5, base + 0.95, 0.95))
            else:
                slabs.append(Slab("sill", middle - half - 0.08, bottom - 0.11, middle + half + 0.08, bottom, 0.11))
    return openings, slabs


def _ground_floor(rng: np.random.Generator, width: float, ground_height: float, *, has_shop: bool) -> list[Opening]:
    openings: list[Opening] = []
    left = float(rng.uniform(0.35, 0.7))
    top = ground_height - float(rng.uniform(0.85, 1.1))
    door_at = int(rng.integers(0, 4))
    while left < width - 1.2:
        is_door = len(openings) == door_at
        span = 1.05 if is_door else float(rng.uniform(1.6, 3.2) if has_shop else rng.uniform(0.9, 1.6))
        kind = "door" if is_door else "shop" if has_shop else "window"
        if not is_door and not has_shop and rng.random() < 0.2:
            kind, span = "gate", 2.5
        right = left + span
        if right > width - 0.35:
            break
        bottom = (
            0.05
            if kind in {"door", "gate"}
            else float(rng.uniform(0.35, 0.6))
            if kind == "shop"
            else float(rng.uniform(0.9, 1.2))
        )
        depth = float(rng.uniform(0.12, 0.4))
        openings.append(Opening(kind, left, bottom, right, top, depth, int(rng.integers(1 << 30)), _glow(rng)))
        left = right + float(rng.uniform(0.3, 0.6) if has_shop else rng.uniform(0.6, 1.4))
    return openings


def _ledges(
    rng: np.random.Generator, size: tuple[float, float], ground_height: float, floor_height: float, floors: int
) -> list[Slab]:
    width, height = size
    slabs = [Slab("cornice", 0.0, height - 0.3, width, height, float(rng.uniform(0.2, 0.45)))]
    if rng.random() < 0.7:
        slabs.append(
            Slab("ledge", 0.0, ground_height - 0.12, width, ground_height + 0.06, float(rng.uniform(0.08, 0.2)))
        )
    if rng.random() < 0.35:
        for floor in range(1, floors):
            base = ground_height + floor * floor_height
            slabs.append(Slab("ledge", 0.0, base - 0.06, width, base + 0.08, float(rng.uniform(0.05, 0.12))))
    if rng.random() < 0.4:
        depth = float(rng.uniform(0.05, 0.14))
        slabs.extend(Slab("pilaster", left, 0.0, left + 0.35, height - 0.3, depth) for left in (0.0, width - 0.35))
    return slabs
