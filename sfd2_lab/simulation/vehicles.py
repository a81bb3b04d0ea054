# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars: a body and a cabin of flat sheets, wheels as discs, lamps that glow."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.lettering import write
from sfd2_lab.simulation.materials import finished
from sfd2_lab.simulation.randomness import fractal_noise, generator
from sfd2_lab.simulation.surfaces import Look, Site, SurfaceBuilder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.surfaces import Surfaces

_DENSITY = 60.0
_NOSE_DROP = 0.12
_PAINTS = (
    (0.92, 0.92, 0.92), (0.15, 0.15, 0.17), (0.6, 0.62, 0.65), (0.42, 0.44, 0.47), (0.55, 0.12, 0.12),
    (0.15, 0.22, 0.45), (0.2, 0.35, 0.25), (0.75, 0.68, 0.5), (0.3, 0.45, 0.6), (0.7, 0.35, 0.1),
)  # fmt: skip


class CarShape:
    """Sizes of one car, metres; x ahead from its middle, y left, z up."""

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "car")
        self.seed = seed
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
    shape, site = CarShape(seed), Site(SurfaceBuilder(), atlas)
    metal = atlas.register(
        (shape.length, shape.width), _DENSITY, lambda size: _paint_sheet(seed, size), ("car sheet", seed)
    )
    look = Look(metal, classes.CAR, instance, gloss=0.5)
    _add_sides(site, shape, look)
    _add_wheels(site, shape, look)
    _add_end(site, shape, look, lights=lights, is_front=True)
    _add_end(site, shape, look, lights=lights, is_front=False)
    _add_tops(site, shape, look)
    return site.builder.build()


_LOW = 0.22


def _add_sides(site: Site, shape: CarShape, look: Look) -> None:
    half, y, belt, top = shape.length / 2, shape.width / 2, shape.belt, shape.top
    (g0, g1), (r0, r1) = shape.glass, shape.roof
    seed, inner = shape.seed, y - shape.tuck
    texture = site.atlas.register(
        (shape.length, top), _DENSITY, lambda size: _paint_side(seed, size), ("car side", seed)
    )
    side = dataclasses.replace(look, texture=texture)
    door = ((-half, -y, _LOW), (half, -y, _LOW), (half, -y, belt), (-half, -y, belt))
    window = ((g0, -y, belt), (g1, -y, belt), (r1, -inner, top), (r0, -inner, top))
    for sheet in (door, window):
        mirrored = [(x, -across, z) for x, across, z in reversed(sheet)]
        for corners in (sheet, mirrored):
            site.builder.polygon(np.eye(4), corners, side, ((-half, 0, 0), (1, 0, 0), (0, 0, 1)))
    skirt = dataclasses.replace(side, gloss=0.0)
    site.builder.rectangle(np.eye(4), (-half, y, _LOW), (2 * half, 0, 0), (0, -2 * y, 0), skirt, uv=(0.0, 0.0))


def _add_wheels(site: Site, shape: CarShape, look: Look) -> None:
    seed, half, y = shape.seed, shape.length / 2, shape.width / 2 + 0.01
    texture = site.atlas.register((0.66, 0.66), _DENSITY, lambda size: _paint_wheel(seed, size), ("wheel", seed))
    disc = dataclasses.replace(look, texture=texture, is_cutout=True, gloss=0.0)
    for x in (-half + 0.78, half - 0.82):
        for side in (1.0, -1.0):
            start = (x - 0.33 * side, -side * y, 0.0)
            site.builder.rectangle(np.eye(4), start, (0.66 * side, 0, 0), (0, 0, 0.66), disc, uv=(0.0, 0.0))


def _add_end(site: Site, shape: CarShape, look: Look, *, lights: bool, is_front: bool) -> None:
    """Add bumper and window of one end."""
    seed, half, y, belt, top = shape.seed, shape.length / 2, shape.width / 2, shape.belt, shape.top
    name = "car front" if is_front else "car back"
    texture = site.atlas.register(
        (shape.width, top), _DENSITY, lambda size: _paint_end(seed, size, is_front=is_front), (name, seed)
    )
    glow = (9.0, 8.6, 7.4) if is_front else (1.6, 0.08, 0.05)
    bumper = dataclasses.replace(look, texture=texture, emission=glow if lights else (0.0, 0.0, 0.0))
    turn = 1.0 if is_front else -1.0
    height = belt - _LOW - (_NOSE_DROP if is_front else 0.0)
    start = (half * turn, -y * turn, _LOW)
    site.builder.rectangle(np.eye(4), start, (0, 2 * y * turn, 0), (0, 0, height), bumper, uv=(0.0, _LOW))
    foot = shape.glass[1] if is_front else shape.glass[0]
    head = shape.roof[1] if is_front else shape.roof[0]
    inner = y - shape.tuck
    window = ((foot, -y, belt), (foot, y, belt), (head, inner, top), (head, -inner, top))
    corners = [(x, across * turn, z) for x, across, z in window]
    glass = dataclasses.replace(look, texture=texture, gloss=0.8)
    site.builder.polygon(np.eye(4), corners, glass, ((0, -y * turn, 0), (0, turn, 0), (0, 0, 1)))


def _add_tops(site: Site, shape: CarShape, look: Look) -> None:
    """Add hood, roof and boot."""
    half, y, belt, top = shape.length / 2, shape.width / 2, shape.belt, shape.top
    (g0, g1), (r0, r1) = shape.glass, shape.roof
    inner = y - shape.tuck
    hood = ((half, -y, belt - _NOSE_DROP), (half, y, belt - _NOSE_DROP), (g1, y, belt), (g1, -y, belt))
    boot = ((-half, -y, belt), (g0, -y, belt), (g0, y, belt), (-half, y, belt))
    roof = ((r0, -inner, top), (r1, -inner, top), (r1, inner, top), (r0, inner, top))
    for corners in (hood, boot, roof):
        site.builder.polygon(np.eye(4), corners, look, ((-half, -y, 0), (1, 0, 0), (0, 1, 0)))


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
    mask[:belt, 6:-6] = 0.5
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
