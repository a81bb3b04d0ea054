# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Paints asphalt with patches, cracks, lane marks and covers, pavements of slabs, and kerbstones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.materials import blocks, crack, finished
from sfd2_lab.simulation.randomness import fractal_noise, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Painting = NDArray[np.float32]

_DENSITY = 45.0
_LANE_MIDDLE_M = 1.45


@dataclass(frozen=True)
class RoadPiece:
    """A stretch of ground.

    Attributes:
        seed: decides its look.
        half_width: of the carriageway, metres.
        start: where it starts along the street, metres.
        length: of the whole street, metres.
        kind: "road", "junction" or "pavement".
    """

    seed: int
    half_width: float
    start: float
    length: float
    kind: str


def paint_road(piece: RoadPiece, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint a piece of carriageway, (h, w, 4) uint8; the street runs from the bottom to the top."""
    rng = generator(piece.seed, "road")
    painted = _asphalt(rng, shape, 0.40)
    for _ in range(int(rng.integers(1, 4))):
        _patch(rng, painted)
    crack(rng, painted, _DENSITY, int(rng.integers(4, 12)), 0.35)
    _tar_lines(rng, painted)
    if piece.kind == "road":
        _lane_marks(rng, painted, piece)
    for _ in range(int(rng.integers(0, 3))):
        _cover(rng, painted, rng.uniform(0.3, 0.36))
    _spots(rng, painted, 14, -0.12)
    return finished(painted, _traffic(rng, shape, piece))


def paint_pavement(piece: RoadPiece, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint a piece of pavement, (h, w, 4) uint8; the kerb runs along its right side from bottom to top."""
    rng = generator(piece.seed, "pavement")
    colour = np.array((0.62, 0.60, 0.57), np.float32) * np.float32(rng.uniform(0.85, 1.1))
    size = float(generator(piece.seed // 4099, "slab").choice([0.3, 0.4, 0.5, 0.6]))
    painted = blocks(rng, shape, _DENSITY, colour, (size * rng.uniform(1, 1.6), size), contrast=0.06, joint=-0.2)
    painted *= 1 + fractal_noise(rng, shape, [_DENSITY, _DENSITY * 0.3, 4.0, 1.0], (0.04, 0.04, 0.03, 0.04))[..., None]
    if rng.random() < 0.35:
        _patch(rng, painted)
    crack(rng, painted, _DENSITY, int(rng.integers(2, 8)), 0.35)
    for _ in range(int(rng.integers(0, 3))):
        _box_cover(rng, painted)
    _spots(rng, painted, 40, -0.18)
    return finished(painted, _footpath(rng, shape))


def paint_kerb(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint kerbstones, (h, w, 4) uint8."""
    rng = generator(seed, "kerb")
    colour = np.array((0.64, 0.63, 0.61), np.float32)
    painted = blocks(rng, shape, _DENSITY, colour, (float(rng.uniform(0.8, 1.1)), 1.0), contrast=0.07, joint=-0.25)
    painted *= 1 + fractal_noise(rng, shape, [20.0, 2.0], (0.06, 0.06))[..., None]
    return finished(painted)


def _traffic(rng: np.random.Generator, shape: tuple[int, int], piece: RoadPiece) -> Painting:
    """Return how often wheels pass, (h, w) in [0, 1]: two tracks a lane; everywhere a bit on a junction."""
    ragged = fractal_noise(rng, shape, [_DENSITY * 1.5, _DENSITY * 0.3, 4.0], (0.06, 0.05, 0.06))
    if piece.kind != "road":
        return np.asarray(np.clip(0.45 + 2 * ragged, 0, 1), dtype=np.float32)
    across = (np.arange(shape[1], dtype=np.float32) / _DENSITY - shape[1] / 2 / _DENSITY)[None] + ragged * 3
    tracks = np.zeros(shape, np.float32)
    for lane in (-_LANE_MIDDLE_M, _LANE_MIDDLE_M):
        for wheel in (-0.75, 0.75):
            tracks = np.maximum(tracks, np.clip(1.5 - np.abs(across - lane - wheel) / 0.22, 0, 1))
    return np.asarray(np.clip(0.15 + tracks * 0.85 + ragged, 0, 1), dtype=np.float32)


def _footpath(rng: np.random.Generator, shape: tuple[int, int]) -> Painting:
    """Return how often feet pass, (h, w) in [0, 1]."""
    across = np.abs(np.linspace(-1, 1, shape[1], dtype=np.float32))[None]
    trodden = 0.55 - 0.5 * across**2 + fractal_noise(rng, shape, [_DENSITY * 0.5, _DENSITY * 0.12], (0.2, 0.25))
    return np.asarray(np.clip(trodden, 0, 1), dtype=np.float32)


def _asphalt(rng: np.random.Generator, shape: tuple[int, int], tone: float) -> Painting:
    cells = [_DENSITY * 2, _DENSITY * 0.5, _DENSITY * 0.12, 1.0]
    noise = fractal_noise(rng, shape, cells, (0.04, 0.035, 0.03, 0.07))
    colour = np.array((1.0, 0.995, 0.98)) * tone * rng.uniform(0.92, 1.08)
    return np.asarray(colour * (1 + noise[..., None]), dtype=np.float32)


def _patch(rng: np.random.Generator, painted: Painting) -> None:
    height, width = painted.shape[:2]
    size = [int(side) for side in rng.uniform(0.5, 2.5, 2) * _DENSITY]
    left, top = int(rng.integers(-20, width)), int(rng.integers(-20, height))
    part = painted[max(0, top) : max(0, top + size[1]), max(0, left) : max(0, left + size[0])]
    if part.size == 0:
        return
    part[:] = _asphalt(rng, part.shape[:2], float(rng.uniform(0.3, 0.46)))
    cv2.rectangle(painted, (left, top), (left + size[0], top + size[1]), (0.2, 0.2, 0.2), 1)


def _tar_lines(rng: np.random.Generator, painted: Painting) -> None:
    height, width = painted.shape[:2]
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(0, width) + np.cumsum(rng.normal(0, 2.5, 14))
        y = (
            np.linspace(0, height, 14)
            if rng.random() < 0.5
            else rng.uniform(0, height) + np.cumsum(rng.normal(0, 6, 14))
        )
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(painted, [points], False, (0.22, 0.22, 0.22), int(rng.integers(1, 4)))


def _lane_marks(rng: np.random.Generator, painted: Painting, piece: RoadPiece) -> None:
    """Draw the dashed middle line and the bays of the parking lanes, worn."""
    height, width = painted.shape[:2]
    ink = np.zeros((height, width), np.float32)
    along = piece.start + (height - np.arange(height)) / _DENSITY
    middle, half = width / 2, 0.06 * _DENSITY
    ink[(along % 6 < 3)[:, None] & (np.abs(np.arange(width) - middle) < half)[None]] = 1
    edge = (piece.half_width - 2.1) * _DENSITY
    for place in (middle - edge, middle + edge):
        ink[:, max(0, int(place - half * 0.8)) : int(place + half * 0.8)] = 1
    ends = (along < 4.5) | (along > piece.length - 4.5)
    if ends.any():
        stripes = (np.arange(width) % (1.0 * _DENSITY)) < 0.5 * _DENSITY
        band = ends & (along > 1.0) & (along < piece.length - 1.0)
        ink[band[:, None] & stripes[None]] = 1
    wear = fractal_noise(rng, (height, width), [_DENSITY * 0.6, 5.0, 1.5], (0.5, 0.35, 0.3))
    cover = np.clip(0.85 - 0.5 * np.clip(wear, -0.4, 2), 0, 1) * ink
    painted += (0.86 - painted) * cover[..., None]


def _cover(rng: np.random.Generator, painted: Painting, radius_m: float) -> None:
    """Draw a round manhole cover with its own pattern."""
    height, width = painted.shape[:2]
    centre, radius = (int(rng.integers(width)), int(rng.integers(height))), radius_m * _DENSITY
    cv2.circle(painted, centre, int(radius * 1.15), (0.3, 0.3, 0.3), -1)
    cv2.circle(painted, centre, int(radius), (0.36, 0.34, 0.32), -1)
    spokes = int(rng.integers(3, 9))
    for spoke in range(spokes):
        angle = spoke * 2 * np.pi / spokes + rng.uniform(0, 0.3)
        tip = (int(centre[0] + radius * 0.85 * np.cos(angle)), int(centre[1] + radius * 0.85 * np.sin(angle)))
        cv2.line(painted, centre, tip, (0.22, 0.21, 0.2), 1)
    cv2.circle(painted, centre, int(radius * rng.uniform(0.3, 0.7)), (0.5, 0.48, 0.45), 1)


def _box_cover(rng: np.random.Generator, painted: Painting) -> None:
    height, width = painted.shape[:2]
    size = (rng.uniform(0.2, 0.7, 2) * _DENSITY).astype(int)
    left, top = int(rng.integers(width)), int(rng.integers(height))
    corner = (left + int(size[0]), top + int(size[1]))
    cv2.rectangle(painted, (left, top), corner, rng.uniform(0.25, 0.5, 3).tolist(), -1)
    cv2.rectangle(painted, (left, top), corner, (0.18, 0.18, 0.18), 1)


def _spots(rng: np.random.Generator, painted: Painting, count: int, change: float) -> None:
    """Add oil, gum and wet spots."""
    height, width = painted.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(count):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.3, 1)), -1)
    painted *= 1 + change * mask[..., None] * 2
