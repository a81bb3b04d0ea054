# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Paints corridor walls with their boards and pictures, floors and ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.facade_paint import Canvas
from sfd2_lab.simulation.indoor_plan import notice
from sfd2_lab.simulation.lettering import write
from sfd2_lab.simulation.materials import blocks, boards, finished, plaster
from sfd2_lab.simulation.opening_paint import paint_opening
from sfd2_lab.simulation.randomness import fractal_noise, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.facade_plan import FacadePlan, Slab

    Painting = NDArray[np.float32]

INDOOR_TEXELS_PER_M = 110.0
_WALLS = ((0.86, 0.84, 0.78), (0.80, 0.82, 0.78), (0.84, 0.78, 0.66), (0.74, 0.80, 0.84), (0.82, 0.76, 0.74))


def paint_indoor_wall(plan: FacadePlan, world: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint a stretch of corridor wall, (h, w, 4) uint8; the colours are those of the whole house `world`."""
    rng, house = generator(plan.seed, "indoor"), generator(world, "indoor colours")
    density = shape[0] / plan.height
    upper = np.array(_WALLS[int(house.integers(len(_WALLS)))], np.float32)
    lower = np.clip(upper * house.uniform(0.5, 0.95, 3), 0.1, 0.9).astype(np.float32)
    colour = plaster(rng, shape, density, upper)
    canvas = Canvas(colour, np.zeros(shape, np.float32), density, plan.height)
    base = canvas.part(canvas.box(0, 0, plan.width, float(house.uniform(0.9, 1.4))))
    painter = boards if house.random() < 0.4 else plaster
    base[:] = painter(rng, base.shape[:2], density, lower)
    canvas.part(canvas.box(0, 0, plan.width, 0.1))[:] = lower * 0.45
    _scuffs(rng, canvas, plan)
    for opening in plan.openings:
        if opening.kind != "lookout":
            paint_opening(canvas, opening, np.full(3, 0.75, np.float32))
    for slab in plan.slabs:
        _paint_thing(rng, canvas, slab)
    return finished(canvas.colour, canvas.mask)


def _scuffs(rng: np.random.Generator, canvas: Canvas, plan: FacadePlan) -> None:
    """Add marks of trolleys, sockets, tape and scribbles."""
    for _ in range(int(plan.width * 5)):
        start = rng.uniform(0, 1, 2) * (canvas.mask.shape[1], canvas.mask.shape[0])
        end = start + rng.normal(0, 1, 2) * canvas.density * (0.15, 0.03)
        tone = float(rng.uniform(0.25, 0.6))
        cv2.line(canvas.colour, start.astype(int).tolist(), end.astype(int).tolist(), (tone, tone, tone), 1)
    for _ in range(int(plan.width * 1.5)):
        left, bottom, size = rng.uniform(0, plan.width), rng.choice([0.3, 1.1, 1.7]), rng.uniform(0.04, 0.14)
        part = canvas.part(canvas.box(left, bottom, left + size, bottom + rng.uniform(0.04, 0.12)))
        part[:] = rng.uniform(0.2, 0.95, 3)
        part[1:-1, 1:-1] *= 0.9


def _paint_thing(rng: np.random.Generator, canvas: Canvas, slab: Slab) -> None:
    box = canvas.box(slab.left, slab.bottom, slab.right, slab.top)
    part = canvas.part(box)
    if part.shape[0] < 4 or part.shape[1] < 4:
        return
    if slab.kind == "board":
        _board(rng, canvas, box)
    elif slab.kind == "picture":
        _picture(rng, part)
    elif slab.kind == "sign":
        part[:] = 0.9
        write(canvas.colour, notice(rng), (box[0] + 2, box[1] + 2, box[2] - 2, box[3] - 2), np.zeros(3, np.float32))
    elif slab.kind == "cabinet":
        part[:] = (0.75, 0.1, 0.08) if rng.random() < 0.5 else rng.uniform(0.3, 0.8, 3)
        inner = (box[0] + 6, box[1] + 6, box[2] - 6, box[1] + max(8, part.shape[0] // 3))
        write(canvas.colour, notice(rng), inner, np.ones(3, np.float32))
        cv2.rectangle(canvas.colour, (box[0] + 3, box[1] + 3), (box[2] - 4, box[3] - 4), (0.3, 0.3, 0.3), 1)
    elif slab.kind == "radiator":
        ribs = 0.75 + 0.2 * ((np.arange(part.shape[1]) % 9) < 5)
        part[:] = ribs[None, :, None]
    else:
        tone = rng.uniform(0.5, 0.9) * (1 + 0.03 * fractal_noise(rng, part.shape[:2], [9.0, 1.0], (0.7, 0.6)))
        part[:] = tone[..., None] * (1 + rng.normal(0, 0.03, 3))


def _board(rng: np.random.Generator, canvas: Canvas, box: tuple[int, int, int, int]) -> None:
    """Pin sheets with lines and headings to a board."""
    part = canvas.part(box)
    height, width = part.shape[:2]
    part[:] = (
        np.array((0.62, 0.45, 0.30))
        * (1 + 0.08 * fractal_noise(rng, (height, width), [6.0, 1.0], (0.5, 0.8)))[..., None]
    )
    for _ in range(int(rng.integers(4, 14))):
        wide, tall = (rng.uniform(0.15, 0.32, 2) * canvas.density).astype(int).tolist()
        left, top = int(rng.integers(2, max(3, width - wide - 2))), int(rng.integers(2, max(3, height - tall - 2)))
        sheet = part[top : top + tall, left : left + wide]
        paper = np.clip(rng.uniform(0.75, 1.0) * (1 + rng.normal(0, 0.12, 3)), 0.2, 1).astype(np.float32)
        sheet[:] = paper
        edges = (box[0] + left + 2, box[1] + top + 2, box[0] + left + sheet.shape[1] - 2, box[1] + top + tall // 4)
        write(canvas.colour, notice(rng), edges, rng.uniform(0, 0.5, 3).astype(np.float32))
        for line in range(tall // 3, sheet.shape[0] - 2, 3):
            end = int(sheet.shape[1] * rng.uniform(0.4, 0.95))
            sheet[line, 2:end] = paper * rng.uniform(0.35, 0.8)
    part[:3] = part[-3:] = part[:, :3] = part[:, -3:] = rng.uniform(0.3, 0.8)


def _picture(rng: np.random.Generator, part: Painting) -> None:
    """Paint a framed picture: a landscape of soft shapes."""
    height, width = part.shape[:2]
    noise = [fractal_noise(rng, (height, width), [width / 3, width / 8, 4.0], (0.2, 0.12, 0.06)) for _ in range(3)]
    part[:] = np.clip(rng.uniform(0.2, 0.8, 3) + np.stack(noise, -1), 0.03, 0.97)
    for _ in range(int(rng.integers(2, 9))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(3, max(4, width // 3))), int(rng.integers(3, max(4, height // 3))))
        canvas = np.ascontiguousarray(part)
        cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, rng.uniform(0.05, 0.95, 3).tolist(), -1)
        part[:] = canvas
    edge = max(2, width // 18)
    part[:edge] = part[-edge:] = part[:, :edge] = part[:, -edge:] = rng.uniform(0.1, 0.7)


def paint_floor(seed: int, world: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint floor tiles with wear, (h, w, 4) uint8."""
    rng, house = generator(seed, "floor"), generator(world, "floor colours")
    colour = np.clip(house.uniform(0.35, 0.72) * (1 + house.normal(0, 0.08, 3)), 0.15, 0.85).astype(np.float32)
    side = float(house.choice([0.3, 0.4, 0.6]))
    painted = blocks(rng, shape, _FLOOR_DENSITY, colour, (side, side), contrast=0.05, joint=-0.12)
    painted *= 1 + fractal_noise(rng, shape, [60.0, 12.0, 3.0, 1.0], (0.05, 0.05, 0.05, 0.05))[..., None]
    for _ in range(int(rng.integers(10, 30))):
        start = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        end = start + rng.normal(0, 25, 2)
        tone = (colour * rng.uniform(0.5, 1.3)).tolist()
        cv2.line(painted, start.astype(int).tolist(), end.astype(int).tolist(), tone, int(rng.integers(1, 3)))
    return finished(painted, np.full(shape, 0.4, np.float32))


def paint_ceiling(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint ceiling panels with stains and grilles, (h, w, 4) uint8."""
    rng = generator(seed, "ceiling")
    painted = blocks(rng, shape, _CEILING_DENSITY, np.full(3, 0.82, np.float32), (0.6, 0.6), contrast=0.02, joint=-0.2)
    painted *= 1 + fractal_noise(rng, shape, [40.0, 3.0, 1.0], (0.03, 0.03, 0.04))[..., None]
    for _ in range(int(rng.integers(1, 5))):
        left, top = int(rng.integers(shape[1])), int(rng.integers(shape[0]))
        part = painted[top : top + 22, left : left + int(rng.integers(10, 30))]
        part[::3] *= rng.uniform(0.2, 0.7)
    return finished(painted)


_FLOOR_DENSITY = 80.0
_CEILING_DENSITY = 50.0
