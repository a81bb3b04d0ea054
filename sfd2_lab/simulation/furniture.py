# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Things that stand on the pavement for years: lamps, sign posts, bins, bollards, cabinets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.boxes import add_box, add_card, add_prism
from sfd2_lab.simulation.lettering import random_name, write
from sfd2_lab.simulation.materials import finished, weather
from sfd2_lab.simulation.randomness import fractal_noise, generator
from sfd2_lab.simulation.surfaces import Look, frame_at, raised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.surfaces import Site

    Point = NDArray[np.float64]

LAMP_COLOUR = (1.0, 0.72, 0.42)


def build_lamp(site: Site, seed: int, foot: Point, across: Point, instance: int) -> Point:
    """Add a street lamp at `foot` (3,) whose arm reaches `across` (2,) unit; return where it shines from, (3,)."""
    rng = generator(seed, "lamp")
    height, reach = float(rng.uniform(5.2, 6.0)), float(rng.uniform(0.9, 1.5))
    paint = site.atlas.register((0.8, 6.0), 40.0, lambda shape: _paint_metal(seed, shape), ("lamp", seed))
    pole = Look(paint, classes.STREETLIGHT, instance)
    top = raised(foot, height)
    tip = top + np.array((*across * reach, 0.25))
    add_prism(site.builder, foot, raised(foot, 0.9), (0.11, 0.1), pole, sides=8)
    add_prism(site.builder, raised(foot, 0.9), top, (0.065, 0.05), pole)
    add_prism(site.builder, top, tip, (0.04, 0.035), pole, sides=4)
    frame = frame_at(tip, (*across, 0.0), (-across[1], across[0], 0.0))
    add_box(site.builder, frame, (-0.1, -0.12, -0.05), (0.5, 0.12, 0.07), pole)
    glow = site.atlas.register((0.4, 0.2), 40.0, _paint_glow, ("glow",))
    lit = Look(glow, classes.STREETLIGHT, instance, emission=(14.0, 10.5, 6.5), is_double_sided=True)
    site.builder.rectangle(frame, (0.02, 0.1, -0.055), (0.4, 0, 0), (0, -0.2, 0), lit, uv=(0.0, 0.0))
    light: Point = tip + np.array((*across * 0.2, -0.12))
    return light


def build_sign_post(site: Site, seed: int, foot: Point, heading: Point, instance: int) -> None:
    """Add a post with one or two traffic or street name signs, seen from against `heading` (2,) unit."""
    rng = generator(seed, "sign")
    metal = site.atlas.register((0.5, 3.0), 40.0, lambda shape: _paint_metal(seed, shape), ("post", seed))
    add_prism(site.builder, foot, raised(foot, 2.75), (0.035, 0.035), Look(metal, classes.POLE, instance))
    right = np.array((heading[1], -heading[0], 0.0))
    level = 2.4
    for plate in range(int(rng.integers(1, 3))):
        size = (0.62, 0.62) if rng.random() < 0.6 else (0.85, 0.28)
        number, centre = seed * 3 + plate, raised(foot, level) - np.array((*heading * 0.05, 0.0))
        for side, towards in (("face", 1.0), ("back", -1.0)):
            paint = partial(_paint_sign, number, side)
            texture = site.atlas.register(size, 120.0, paint, ("plate", number, side))
            look = Look(texture, classes.SIGNBOARD, instance, is_cutout=True)
            add_card(site.builder, centre, (right * towards, (0, 0, 1)), size, look)
        level -= size[1] + 0.06


def build_box(site: Site, seed: int, foot: Point, along: Point, instance: int) -> None:
    """Add a bin, a cabinet or a bollard."""
    rng = generator(seed, "box")
    frame = frame_at(foot, (*along, 0.0), (-along[1], along[0], 0.0))
    kind = int(rng.integers(3))
    size = ((0.45, 0.4, 0.9), (0.9, 0.4, 1.25), (0.18, 0.18, 0.85))[kind]
    texture = site.atlas.register((size[0], size[2]), 70.0, lambda shape: _paint_box(seed, shape), ("box", seed))
    label = classes.ASHCAN if kind == 0 else classes.POLE if kind == 2 else classes.SIGNBOARD
    add_box(
        site.builder,
        frame,
        (-size[0] / 2, -size[1] / 2, 0),
        (size[0] / 2, size[1] / 2, size[2]),
        Look(texture, label, instance),
    )


def _paint_metal(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "metal")
    colour = np.array((0.4, 0.42, 0.42)) * rng.uniform(0.5, 1.4)
    noise = fractal_noise(rng, shape, [12.0, 3.0, 1.0], (0.05, 0.05, 0.04))
    painted = np.asarray(colour * (1 + noise[..., None]), dtype=np.float32)
    for _ in range(4):
        left, top = int(rng.integers(shape[1])), int(shape[0] * rng.uniform(0.55, 0.9))
        painted[top : top + int(rng.integers(4, 14)), left : left + 9] = rng.uniform(0.2, 0.95, 3)
    return finished(painted)


def _paint_glow(shape: tuple[int, int]) -> NDArray[np.uint8]:
    return finished(np.full((*shape, 3), 0.9, np.float32), np.ones(shape, np.float32))


def _paint_sign(seed: int, side: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "plate")
    height, width = shape
    painted, mask = np.zeros((height, width, 3), np.float32), np.ones(shape, np.float32)
    if width > 2 * height:
        painted[:] = (0.12, 0.2, 0.5) if rng.random() < 0.5 else (0.9, 0.9, 0.88)
        ink = np.ones(3, np.float32) if painted[0, 0, 0] < 0.5 else np.zeros(3, np.float32)
        write(painted, random_name(rng, 9), (3, 5, width - 3, height - 5), ink)
        return finished(painted if side == "face" else painted * 0 + 0.45, mask)
    middle, radius = (width // 2, height // 2), height // 2 - 1
    mask[:] = 0
    ring, face = (
        ((0.75, 0.1, 0.1), (0.93, 0.93, 0.93)) if rng.random() < 0.6 else ((0.1, 0.25, 0.65), (0.1, 0.25, 0.65))
    )
    cv2.circle(mask, middle, radius, 1.0, -1)
    cv2.circle(painted, middle, radius, ring, -1)
    cv2.circle(painted, middle, int(radius * 0.76), face, -1)
    ink = np.zeros(3, np.float32) if face[0] > 0.5 else np.ones(3, np.float32)
    write(
        painted,
        str(rng.choice(["30", "50", "P", "20", "H", "STOP", "X", "U"])),
        (width // 4, height // 3, width * 3 // 4, height * 2 // 3),
        ink,
    )
    return finished(painted if side == "face" else painted * 0 + 0.45, mask)


def _paint_box(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "panel")
    painted = np.asarray(rng.uniform(0.2, 0.65, 3) * np.ones((*shape, 3)), dtype=np.float32)
    painted[:3] *= 1.2
    painted[:, shape[1] // 2] *= 0.6
    for _ in range(int(rng.integers(1, 6))):
        left, top = int(rng.integers(shape[1])), int(rng.integers(shape[0]))
        painted[top : top + int(rng.integers(4, 18)), left : left + int(rng.integers(4, 18))] = rng.uniform(
            0.1, 0.95, 3
        )
    if rng.random() < 0.6:
        write(
            painted,
            random_name(rng, 5),
            (2, shape[0] // 4, shape[1] - 2, shape[0] // 2),
            rng.uniform(0, 1, 3).astype(np.float32),
            rng.uniform(-0.4, 0.5),
        )
    weather(rng, painted, 70.0)
    return finished(painted)
