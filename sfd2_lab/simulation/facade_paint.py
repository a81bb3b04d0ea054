# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Paints the front of a house from its plan: wall, windows, doors, shops, signs, dirt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.lettering import random_name, write
from sfd2_lab.simulation.materials import WALL_COLOURS, WALLS, finished, weather
from sfd2_lab.simulation.opening_paint import paint_opening
from sfd2_lab.simulation.randomness import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.facade_plan import FacadePlan, Opening, Slab

FACADE_TEXELS_PER_M = 50.0


@dataclass(frozen=True, eq=False)
class Canvas:
    """An image of a facade in the making.

    Attributes:
        colour: (h, w, 3) float32, square roots of the linear albedo.
        mask: (h, w) float32, where light comes out and the sky is mirrored.
        density: texels a metre.
        height_m: of the facade; metres count from its foot, rows from its top.
    """

    colour: NDArray[np.float32]
    mask: NDArray[np.float32]
    density: float
    height_m: float

    def box(self, left: float, bottom: float, right: float, top: float) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom in texels of a box in metres, inside the image."""
        rows, cols = self.mask.shape
        x = np.clip(np.round(np.array([left, right]) * self.density), 0, cols).astype(int)
        y = np.clip(np.round((self.height_m - np.array([top, bottom])) * self.density), 0, rows).astype(int)
        return int(x[0]), int(y[0]), int(x[1]), int(y[1])

    def part(self, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """Return the colours of a box, as a view."""
        return self.colour[box[1] : box[3], box[0] : box[2]]


def paint_facade(plan: FacadePlan, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint a facade.

    Args:
        plan: what is where.
        shape: (h, w) in texels.

    Returns:
        (h, w, 4) uint8 texels for the atlas.
    """
    rng = generator(plan.seed, "paint")
    density = shape[0] / plan.height
    colour = wall_colour(plan.seed)
    base = WALLS[int(rng.integers(len(WALLS)))](rng, shape, density, colour)
    canvas = Canvas(base, np.zeros(shape, np.float32), density, plan.height)
    _ground_floor_base(rng, canvas, plan)
    trim = _trim_colour(rng, colour)
    for slab in plan.slabs:
        _paint_slab(rng, canvas, slab, trim)
    for opening in plan.openings:
        _surround(rng, canvas, opening, trim)
    weather(rng, canvas.colour, density, float(rng.uniform(0.5, 1.5)))
    frame = np.array(generator(plan.seed, "frames").choice(np.array(_FRAMES)), np.float32)
    for opening in plan.openings:
        paint_opening(canvas, opening, frame)
    _sign(rng, canvas, plan)
    _bills(rng, canvas, plan)
    _shadows(canvas, plan)
    return finished(canvas.colour, canvas.mask)


_FRAMES = (
    (0.85, 0.85, 0.83),
    (0.9, 0.9, 0.88),
    (0.35, 0.22, 0.15),
    (0.2, 0.25, 0.22),
    (0.25, 0.28, 0.33),
    (0.5, 0.2, 0.15),
)


def wall_colour(seed: int) -> NDArray[np.float32]:
    """Return the (3,) colour of the wall of a facade."""
    rng = generator(seed, "colour")
    colour = np.array(WALL_COLOURS[int(rng.integers(len(WALL_COLOURS)))]) * rng.uniform(0.85, 1.08)
    return np.asarray(np.clip(colour + rng.normal(0, 0.025, 3), 0.15, 0.92), dtype=np.float32)


def _trim_colour(rng: np.random.Generator, wall: NDArray[np.float32]) -> NDArray[np.float32]:
    pale = np.array((0.80, 0.78, 0.72)) * rng.uniform(0.8, 1.1)
    return np.asarray(np.clip(pale if rng.random() < 0.7 else wall * rng.uniform(0.6, 1.2), 0, 0.95), dtype=np.float32)


def _ground_floor_base(rng: np.random.Generator, canvas: Canvas, plan: FacadePlan) -> None:
    """Give the foot of the wall, or the whole ground floor, another material."""
    if rng.random() < 0.45:
        top = 0.5 if rng.random() < 0.5 else plan.sign_box[3] + 0.1
        part = canvas.part(canvas.box(0, 0, plan.width, top))
        colour = np.array(WALL_COLOURS[int(rng.integers(len(WALL_COLOURS)))], np.float32) * 0.85
        part[:] = WALLS[int(rng.integers(len(WALLS)))](rng, part.shape[:2], canvas.density, colour)


def _paint_slab(rng: np.random.Generator, canvas: Canvas, slab: Slab, trim: NDArray[np.float32]) -> None:
    part = canvas.part(canvas.box(slab.left, slab.bottom, slab.right, slab.top))
    if part.size == 0:
        return
    if slab.kind == "bay":
        part *= 0.94
        return
    if slab.kind == "balcony":
        _railing(rng, part, canvas.density)
        return
    tone = 1 + rng.normal(0, 0.05, (1, max(1, part.shape[1] // 40), 1)).astype(np.float32)
    tone = cv2.resize(tone, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST)
    part[:] = trim * tone.reshape(*part.shape[:2], 1)
    part[: max(1, part.shape[0] // 5)] *= 1.08
    part[-max(1, part.shape[0] // 4) :] *= 0.72


def _railing(rng: np.random.Generator, part: NDArray[np.float32], density: float) -> None:
    colour = np.array((0.25, 0.25, 0.27)) * rng.uniform(0.6, 2.2)
    pitch = density * rng.uniform(0.09, 0.16)
    bar = (np.arange(part.shape[1]) % pitch) < pitch * rng.uniform(0.3, 0.6)
    part[:] = np.where(bar[None, :, None], colour, part * 0.45)
    part[: max(2, int(0.06 * density))] = colour * 1.1
    part[-max(2, int(0.18 * density)) :] = 0.6


def _surround(rng: np.random.Generator, canvas: Canvas, opening: Opening, trim: NDArray[np.float32]) -> None:
    """Paint a band around an opening, sometimes with a keystone."""
    if opening.style % 10 < 4:
        return
    band = 0.1 + 0.06 * (opening.style % 3)
    box = canvas.box(opening.left - band, opening.bottom - 0.03, opening.right + band, opening.top + band)
    canvas.part(box)[:] = trim * (1 + rng.normal(0, 0.03))
    if opening.style % 7 < 3:
        middle = (opening.left + opening.right) / 2
        canvas.part(canvas.box(middle - 0.1, opening.top - 0.02, middle + 0.1, opening.top + band + 0.12))[:] = (
            trim * 0.85
        )


def _sign(rng: np.random.Generator, canvas: Canvas, plan: FacadePlan) -> None:
    if not plan.sign:
        return
    box = canvas.box(*plan.sign_box)
    part = canvas.part(box)
    hue = rng.uniform(0.05, 0.75, 3).astype(np.float32)
    ink = np.ones(3, np.float32) * 0.95 if hue.mean() < 0.5 else rng.uniform(0, 0.2, 3).astype(np.float32)
    part[:] = hue
    edge = max(1, part.shape[0] // 12)
    cv2.rectangle(canvas.colour, (box[0] + edge, box[1] + edge), (box[2] - edge, box[3] - edge), ink.tolist(), 1)
    pad = max(2, part.shape[0] // 6)
    write(
        canvas.colour, plan.sign, (box[0] + pad, box[1] + pad, box[2] - pad, box[3] - pad), ink, rng.uniform(-0.1, 0.25)
    )
    canvas.mask[box[1] : box[3], box[0] : box[2]] = 1.0


def _bills(rng: np.random.Generator, canvas: Canvas, plan: FacadePlan) -> None:
    """Add house numbers, bills, vents, boxes and scribbles on the free wall."""
    for _ in range(int(rng.integers(4, 12))):
        width, height = rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.8)
        left, bottom = rng.uniform(0.1, plan.width - 0.8), rng.uniform(0.4, 2.6)
        if any(o.left - width < left < o.right and o.bottom - height < bottom < o.top for o in plan.openings):
            continue
        box = canvas.box(left, bottom, left + width, bottom + height)
        part, colour = canvas.part(box), rng.uniform(0.1, 0.9, 3).astype(np.float32)
        kind = rng.integers(4)
        if kind == 0:
            part[:] = colour
            write(
                canvas.colour,
                random_name(rng, 5),
                (box[0] + 1, box[1] + 2, box[2] - 1, box[1] + part.shape[0] // 2),
                1 - colour,
            )
            part[part.shape[0] // 2 + 2 :: 4] *= 0.6
        elif kind == 1:
            part[:] = 0.55
            part[::3] *= 0.45
        elif kind == 2:
            write(
                canvas.colour,
                str(rng.integers(1, 199)),
                (box[0], box[1], box[2], min(box[3], box[1] + 14)),
                1 - wall_colour(plan.seed),
            )
        else:
            write(canvas.colour, random_name(rng, 6), box, colour, rng.uniform(-0.4, 0.5))


def _shadows(canvas: Canvas, plan: FacadePlan) -> None:
    """Darken what lies below slabs and inside openings, as the sky above cannot reach it."""
    for slab in plan.slabs:
        reach = 0.35 * slab.depth + 0.05
        part = canvas.part(canvas.box(slab.left, slab.bottom - reach, slab.right, slab.bottom))
        if part.size:
            part *= np.linspace(0.68, 1.0, part.shape[0], dtype=np.float32)[:, None, None]
    for opening in plan.openings:
        part = canvas.part(canvas.box(opening.left, opening.top - 1.6 * opening.depth, opening.right, opening.top))
        if part.size:
            part *= np.linspace(0.6, 1.0, part.shape[0], dtype=np.float32)[:, None, None]
