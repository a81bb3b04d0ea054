# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars: a body and a cabin of flat sheets, wheels as discs, lamps that glow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.simulation import classes
from sfd2_ros.simulation.lettering import write
from sfd2_ros.simulation.materials import finished
from sfd2_ros.simulation.randomness import fractal_noise, generator
from sfd2_ros.simulation.surfaces import Look, SurfaceBuilder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.simulation.atlas import TextureAtlas
    from sfd2_ros.simulation.surfaces import Surfaces

_DENSITY = 60.0
_PAINTS = (
    (0.92, 0.92, 0.92), (0.15, 0.15, 0.17), (0.6, 0.62, 0.65), (0.42, 0.44, 0.47), (0.55, 0.12, 0.12),
    (0.15, 0.22, 0.45), (0.2, 0.35, 0.25), (0.75, 0.68, 0.5), (0.3, 0.45, 0.6), (0.7, 0.35, 0.1),
)  # fmt: skip


class CarShape:
    """Sizes of one car, metres; x ahead from its middle, y left, z up."""

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "car")
        is_van = rng.random() < 0.2
        self.length = float(rng.uniform(3.8, 4.8))
        self.width = float(rng.uniform(1.68, 1.84))
        self.belt = float(rng.uniform(0.86, 0.98))
        self.top = float(rng.uniform(1.75, 2.1) if is_van else rng.uniform(1.4, 1.55))
        half = self.length / 2
        hood = 0.55 if is_van else float(rng.uniform(0.95, 1.3))
        boot = 0.08 if is_van else float(rng.uniform(0.15, 0.8))
        self.glass = (-half + boot, half - hood)
        self.roof = (self.glass[0] + 0.35, self.glass[1] - (0.45 if is_van else 0.75))
        self.colour = np.clip(np.array(_PAINTS[int(rng.integers(len(_PAINTS)))]) * rng.uniform(0.85, 1.1), 0.05, 0.95)
        self.tuck = float(rng.uniform(0.1, 0.2))

    def footprint(self) -> NDArray[np.float64]:
        """Return the (4, 2) corners on the ground, metres."""
        x, y = self.length / 2, self.width / 2
        return np.array([(-x, -y), (x, -y), (x, y), (-x, y)])


def build_car(atlas: TextureAtlas, seed: int, instance: int, *, lights: bool) -> Surfaces:
    """Return a car in its own frame, x ahead, y left, z up, on the ground; `lights` sets its lamps to glow."""
    shape, builder, frame = CarShape(seed), SurfaceBuilder(), np.eye(4)
    half, y, low, belt, top = shape.length / 2, shape.width / 2, 0.22, shape.belt, shape.top
    side = atlas.register((shape.length, top), _DENSITY, lambda size: _paint_side(seed, size), ("car side", seed))
    front = atlas.register(
        (shape.width, top), _DENSITY, lambda size: _paint_end(seed, size, is_front=True), ("car front", seed)
    )
    back = atlas.register(
        (shape.width, top), _DENSITY, lambda size: _paint_end(seed, size, is_front=False), ("car back", seed)
    )
    sheet = atlas.register(
        (shape.length, shape.width), _DENSITY, lambda size: _paint_sheet(seed, size), ("car sheet", seed)
    )

    def look(texture: int, emission: tuple[float, float, float] = (0.0, 0.0, 0.0), *, gloss: float = 0.5) -> Look:
        return Look(texture, classes.CAR, instance, emission=emission, gloss=gloss)

    body, tuck = look(side), shape.tuck
    (g0, g1), (r0, r1) = shape.glass, shape.roof
    right = ((-half, -y, low), (half, -y, low), (half, -y, belt), (-half, -y, belt))
    window = ((g0, -y, belt), (g1, -y, belt), (r1, -y + tuck, top), (r0, -y + tuck, top))
    for mirror in (1.0, -1.0):
        for sheet_corners in (right, window):
            corners = [(x, mirror * side_y, z) for x, side_y, z in sheet_corners]
            if mirror < 0:
                corners.reverse()
            builder.polygon(frame, corners, body, ((-half, 0, 0), (1, 0, 0), (0, 0, 1)))
        wheel = atlas.register((0.66, 0.66), _DENSITY, lambda size: _paint_wheel(seed, size), ("wheel", seed))
        disc = Look(wheel, classes.CAR, instance, is_cutout=True)
        for x in (-half + 0.78, half - 0.82):
            start = (x - 0.33 * mirror, mirror * -(y + 0.01), 0.0)
            builder.rectangle(frame, start, (0.66 * mirror, 0, 0), (0, 0, 0.66), disc, uv=(0.0, 0.0))
    glow_front, glow_back = ((9.0, 8.6, 7.4), (1.6, 0.08, 0.05)) if lights else ((0.0,) * 3, (0.0,) * 3)
    ends = look(front, glow_front), look(back, glow_back)
    builder.rectangle(frame, (half, -y, low), (0, 2 * y, 0), (0, 0, belt - low - 0.12), ends[0], uv=(0.0, low))
    builder.rectangle(frame, (-half, y, low), (0, -2 * y, 0), (0, 0, belt - low), ends[1], uv=(0.0, low))
    metal = look(sheet, gloss=0.6)
    hood = ((half, -y, belt - 0.12), (half, y, belt - 0.12), (g1, y, belt), (g1, -y, belt))
    boot = ((-half, -y, belt), (g0, -y, belt), (g0, y, belt), (-half, y, belt))
    roof = ((r0, -y + tuck, top), (r1, -y + tuck, top), (r1, y - tuck, top), (r0, y - tuck, top))
    for top_sheet in (hood, boot, roof):
        builder.polygon(frame, top_sheet, metal, ((-half, -y, 0), (1, 0, 0), (0, 1, 0)))
    shield = ((g1, -y, belt), (g1, y, belt), (r1, y - tuck, top), (r1, -y + tuck, top))
    rear = ((g0, y, belt), (g0, -y, belt), (r0, -y + tuck, top), (r0, y - tuck, top))
    builder.polygon(frame, shield, look(front, gloss=0.7), ((0, -y, 0), (0, 1, 0), (0, 0, 1)))
    builder.polygon(frame, rear, look(back, gloss=0.7), ((0, y, 0), (0, -1, 0), (0, 0, 1)))
    skirt = look(side, gloss=0.0)
    builder.rectangle(frame, (-half, y, low), (2 * half, 0, 0), (0, -2 * y, 0), skirt, uv=(0.0, 0.0))
    return builder.build()


def _paint_side(seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    shape, rng = CarShape(seed), generator(seed, "side")
    height, width = size
    painted = _metal(rng, shape, size)
    mask = np.full(size, 0.45, np.float32)

    def at(x: float, z: float) -> tuple[int, int]:
        return int((x + shape.length / 2) * _DENSITY), int(height - z * _DENSITY)

    (g0, g1), (r0, r1), belt, top = shape.glass, shape.roof, shape.belt, shape.top
    glass = np.array(
        [at(g0 + 0.12, belt + 0.04), at(g1 - 0.1, belt + 0.04), at(r1 - 0.05, top - 0.1), at(r0 + 0.05, top - 0.1)]
    )
    cv2.fillConvexPoly(painted, glass, (0.12, 0.14, 0.15), cv2.LINE_8)
    cv2.fillConvexPoly(mask, glass, 1.0, cv2.LINE_8)
    for share in (0.36, 0.66):
        x = g0 + (g1 - g0) * share
        cv2.line(painted, at(x, top - 0.08), at(x, 0.3), (shape.colour * 0.6).tolist(), 2)
        cv2.rectangle(painted, at(x - 0.24, belt - 0.12), at(x - 0.08, belt - 0.16), (shape.colour * 0.5).tolist(), -1)
    painted[-int(0.34 * _DENSITY) :] *= 0.35
    for x in (-shape.length / 2 + 0.78, shape.length / 2 - 0.82):
        cv2.circle(painted, at(x, 0.36), int(0.39 * _DENSITY), (0.04, 0.04, 0.04), -1)
    lamp = (at(shape.length / 2 - 0.3, belt - 0.15), at(shape.length / 2, belt - 0.27))
    cv2.rectangle(painted, *lamp, (0.8, 0.82, 0.85), -1)
    cv2.rectangle(
        painted, at(-shape.length / 2, belt - 0.1), at(-shape.length / 2 + 0.15, belt - 0.35), (0.6, 0.1, 0.08), -1
    )
    del width
    return finished(painted, mask)


def _paint_end(seed: int, size: tuple[int, int], *, is_front: bool) -> NDArray[np.uint8]:
    shape, rng = CarShape(seed), generator(seed, "front" if is_front else "back")
    height, width = size
    painted = _metal(rng, shape, size)
    mask = np.zeros(size, np.float32)
    belt = int(height - shape.belt * _DENSITY)
    painted[:belt, 6:-6] = (0.13, 0.15, 0.16)
    mask[:belt, 6:-6] = 0.1
    lamp_top, lamp_size = belt + int(0.2 * _DENSITY), (int(0.36 * _DENSITY), int(0.16 * _DENSITY))
    colour = (0.9, 0.92, 0.95) if is_front else (0.65, 0.08, 0.06)
    for left in (3, width - 3 - lamp_size[0]):
        rows, cols = slice(lamp_top, lamp_top + lamp_size[1]), slice(left, left + lamp_size[0])
        painted[rows, cols], mask[rows, cols] = colour, 1.0
    middle, row = width // 2, lamp_top + int(0.24 * _DENSITY)
    if is_front:
        cv2.rectangle(
            painted, (width // 4, lamp_top), (width * 3 // 4, lamp_top + lamp_size[1]), (0.12, 0.12, 0.12), -1
        )
    plate = (middle - int(0.26 * _DENSITY), row, middle + int(0.26 * _DENSITY), row + int(0.12 * _DENSITY))
    cv2.rectangle(painted, plate[:2], plate[2:], (0.9, 0.9, 0.85), -1)
    write(painted, "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVWXYZ0123456789"), 7)), plate, np.zeros(3, np.float32))
    painted[-int(0.34 * _DENSITY) :] *= 0.4
    return finished(painted, mask)


def _paint_sheet(seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    shape, rng = CarShape(seed), generator(seed, "sheet")
    painted = _metal(rng, shape, size)
    return finished(painted, np.full(size, 0.6, np.float32))


def _metal(rng: np.random.Generator, shape: CarShape, size: tuple[int, int]) -> NDArray[np.float32]:
    dirt = fractal_noise(rng, size, [40.0, 10.0, 1.0], (0.03, 0.03, 0.02))
    return np.asarray(shape.colour * (1 + dirt[..., None]), dtype=np.float32)


def _paint_wheel(seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "wheel")
    painted, mask = np.full((*size, 3), 0.07, np.float32), np.zeros(size, np.float32)
    middle, radius = (size[1] // 2, size[0] // 2), size[0] / 2
    cv2.circle(mask, middle, int(radius), 1.0, -1)
    tone = float(rng.uniform(0.4, 0.75))
    cv2.circle(painted, middle, int(radius * 0.62), (tone, tone, tone), -1)
    spokes = int(rng.integers(5, 10))
    for spoke in range(spokes):
        angle = 2 * np.pi * spoke / spokes
        tip = (int(middle[0] + radius * 0.52 * np.cos(angle)), int(middle[1] + radius * 0.52 * np.sin(angle)))
        cv2.circle(painted, tip, max(1, int(radius * 0.1)), (0.15, 0.15, 0.15), -1)
    return finished(painted, mask)
