# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Painted materials: brick, ashlar, plaster, concrete, boards, slabs, asphalt; no two patches alike.

All give (h, w, 3) float32 in [0, 1], square roots of the linear albedo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.randomness import fractal_noise, value_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Painting = NDArray[np.float32]

WALL_COLOURS = (
    (0.62, 0.34, 0.26), (0.55, 0.40, 0.32), (0.72, 0.66, 0.55), (0.80, 0.76, 0.68), (0.66, 0.60, 0.50),
    (0.78, 0.68, 0.46), (0.60, 0.64, 0.66), (0.74, 0.58, 0.50), (0.56, 0.60, 0.52), (0.84, 0.82, 0.78),
    (0.50, 0.30, 0.26), (0.70, 0.72, 0.74), (0.68, 0.50, 0.36), (0.76, 0.72, 0.60),
)  # fmt: skip


def bricks(rng: np.random.Generator, shape: tuple[int, int], density: float, colour: Painting) -> Painting:
    """Paint bricks or ashlar.

    Args:
        rng: decides sizes, bond, and each brick's tone.
        shape: (h, w) in texels.
        density: texels a metre.
        colour: (3,) of the average brick.
    """
    is_ashlar = rng.random() < 0.35
    width_m, height_m = (
        (rng.uniform(0.45, 0.9), rng.uniform(0.28, 0.45)) if is_ashlar else (0.25, rng.uniform(0.075, 0.1))
    )
    width_m *= rng.uniform(0.85, 1.15)
    return blocks(rng, shape, density, colour, (width_m, height_m), contrast=0.10 if is_ashlar else 0.16)


def blocks(
    rng: np.random.Generator,
    shape: tuple[int, int],
    density: float,
    colour: Painting,
    size_m: tuple[float, float],
    *,
    contrast: float,
    joint: float = -0.16,
) -> Painting:
    """Paint rows of blocks, each with its own tone, with joints that are lighter or darker by `joint`."""
    height, width = shape
    rows = np.arange(height) / density / size_m[1]
    row = rows.astype(np.int64)
    offsets = rng.uniform(0, 1, row.max() + 1) * 0.35 + 0.5 * (np.arange(row.max() + 1) % 2)
    stretch = rng.uniform(0.9, 1.12, row.max() + 1)
    cols = np.arange(width)[None] / density / size_m[0] * stretch[row][:, None] + offsets[row][:, None]
    col = cols.astype(np.int64)
    tones = rng.normal(0, contrast, (row.max() + 1, col.max() + 1)).astype(np.float32)
    tints = rng.normal(0, contrast * 0.15, (row.max() + 1, col.max() + 1, 3)).astype(np.float32)
    odd = rng.random(tones.shape) < 0.05
    tones[odd] += rng.choice([-0.3, 0.22], int(odd.sum())).astype(np.float32)
    painted = colour * (1 + tones[row[:, None], col][..., None] + tints[row[:, None], col])
    joint_m = 0.012 if size_m[1] < 0.2 else 0.018
    gap_x = np.minimum(cols % 1, 1 - cols % 1) * size_m[0]
    gap_y = (np.minimum(rows % 1, 1 - rows % 1) * size_m[1])[:, None]
    depth = np.clip(1.4 - np.minimum(gap_x, gap_y) / joint_m, 0, 1).astype(np.float32)[..., None]
    mortar = np.mean(colour) * 0.6 + 0.4 * colour + joint
    return np.asarray(painted + (mortar - painted) * depth * 0.8, dtype=np.float32)


def plaster(rng: np.random.Generator, shape: tuple[int, int], density: float, colour: Painting) -> Painting:
    """Paint plaster with cloudy tone, repaired patches and cracks."""
    cells = [density * scale for scale in (1.5, 0.5, 0.15, 0.05)]
    tone = fractal_noise(rng, shape, cells, (0.035, 0.03, 0.025, 0.03))
    painted = colour * (1 + tone[..., None])
    for _ in range(int(rng.integers(2, 8))):
        patch = np.zeros(shape, np.uint8)
        centre = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        points = centre + rng.normal(0, 1, (7, 2)) * density * rng.uniform(0.15, 0.6)
        cv2.fillConvexPoly(patch, cv2.convexHull(points.astype(np.int32)), 255, cv2.LINE_AA)
        painted *= 1 + (patch.astype(np.float32) / 255 * rng.normal(0, 0.12))[..., None]
    crack(rng, painted, density, int(rng.integers(3, 9)))
    return np.asarray(painted, dtype=np.float32)


def concrete(rng: np.random.Generator, shape: tuple[int, int], density: float, colour: Painting) -> Painting:
    """Paint concrete panels with form holes and drips."""
    size = (rng.uniform(1.1, 2.6), rng.uniform(0.9, 1.6))
    painted = blocks(rng, shape, density, colour, size, contrast=0.06, joint=-0.22)
    tone = fractal_noise(rng, shape, [density, density * 0.2, density * 0.04], (0.04, 0.04, 0.03))
    return np.asarray(painted * (1 + tone[..., None]), dtype=np.float32)


def boards(rng: np.random.Generator, shape: tuple[int, int], density: float, colour: Painting) -> Painting:
    """Paint horizontal boards with grain."""
    painted = blocks(
        rng, shape, density, colour, (rng.uniform(1.8, 3.6), rng.uniform(0.12, 0.2)), contrast=0.08, joint=-0.25
    )
    grain = value_noise(rng, (shape[0], max(2, shape[1] // 12)), 1.5)
    grain = cv2.resize(grain, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(painted * (1 + 0.05 * grain[..., None]), dtype=np.float32)


WALLS: tuple[Callable[..., Painting], ...] = (bricks, bricks, bricks, plaster, plaster, plaster, concrete, boards)


def crack(rng: np.random.Generator, painted: Painting, density: float, count: int, darkness: float = 0.45) -> None:
    """Draw cracks that wander, in place."""
    height, width = painted.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.45, 24))
        steps = np.stack([np.cos(heading), np.sin(heading)], 1) * density * rng.uniform(0.04, 0.14)
        points = rng.uniform(0, 1, 2) * (width, height) + np.cumsum(steps, 0)
        cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 4)
    painted *= 1 - darkness * (mask.astype(np.float32) / 255)[..., None]


def weather(rng: np.random.Generator, painted: Painting, density: float, strength: float = 1.0) -> None:
    """Add stains, streaks that run down, and dirt towards the bottom, in place."""
    height, width = painted.shape[:2]
    stains = fractal_noise(rng, (height, width), [density * 2.2, density * 0.7, density * 0.25], (0.5, 0.35, 0.25))
    painted *= 1 - 0.10 * strength * np.clip(stains, -1, 2)[..., None]
    streaks = value_noise(rng, (max(2, int(height / density)), width), max(2.0, density * 0.08))
    streaks = cv2.resize(streaks, (width, height), interpolation=cv2.INTER_LINEAR)
    painted *= 1 - 0.05 * strength * np.clip(streaks, 0, 2)[..., None]
    low = np.clip(1 - (height - np.arange(height)) / density / 1.2, 0, 1).astype(np.float32)[:, None]
    ragged = np.clip(low + 0.25 * low * stains, 0, 1)
    painted *= 1 - 0.28 * strength * ragged[..., None]


def finished(painted: Painting, mask: NDArray[np.float32] | None = None) -> NDArray[np.uint8]:
    """Return a painting (h, w, 3) with its mask (h, w), or none, as texels (h, w, 4) uint8."""
    alpha = np.zeros(painted.shape[:2], np.float32) if mask is None else mask
    planes = np.concatenate([painted, alpha[..., None]], axis=2)
    return np.asarray(np.clip(planes, 0, 1) * 255 + 0.5, dtype=np.uint8)
