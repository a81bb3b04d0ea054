# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Paints windows, shop windows, doors and gates, each one different."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.lettering import random_name, write
from sfd2_lab.simulation.randomness import fractal_noise, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.facade_paint import Canvas
    from sfd2_lab.simulation.facade_plan import Opening


def paint_opening(canvas: Canvas, opening: Opening, frame: NDArray[np.float32]) -> None:
    """Paint one opening into its place.

    Args:
        canvas: the facade.
        opening: which kind, where, and its style number.
        frame: (3,) colour of the window frames of this house.
    """
    rng = generator(opening.style, "opening")
    box = canvas.box(opening.left, opening.bottom, opening.right, opening.top)
    if box[2] - box[0] < 4 or box[3] - box[1] < 4:
        return
    painter = {"window": _window, "shop": _shop, "door": _door, "gate": _gate}[opening.kind]
    painter(rng, canvas, box, frame)


def _interior(rng: np.random.Generator, shape: tuple[int, int], density: float) -> NDArray[np.float32]:
    """Paint a dim room: darker at the top, with blurred furniture."""
    height, width = shape
    tint = rng.uniform(0.12, 0.38) * (1 + rng.normal(0, 0.1, 3))
    fall = np.linspace(0.8, 1.2, height)[:, None, None]
    things = fractal_noise(rng, shape, [max(2, density * 0.5), max(2, density * 0.2)], (0.25, 0.25))
    room = np.clip(tint * fall * (1 + things[..., None]), 0.03, 0.6).astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(width)), int(rng.integers(height // 3, height))
        size = (int(rng.integers(3, max(4, width // 3))), int(rng.integers(3, max(4, height // 3))))
        cv2.rectangle(room, (x, y), (x + size[0], y + size[1]), (rng.uniform(0.08, 0.6, 3)).tolist(), -1)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), 0.8), dtype=np.float32)


def _window(
    rng: np.random.Generator, canvas: Canvas, box: tuple[int, int, int, int], frame: NDArray[np.float32]
) -> None:
    part = canvas.part(box)
    height, width = part.shape[:2]
    pane = _interior(rng, (height, width), canvas.density)
    choice = rng.random()
    if choice < 0.35:
        _curtains(rng, pane)
    elif choice < 0.55:
        _blind(rng, pane, canvas.density)
    elif choice < 0.62:
        pane[:] = frame * 0.8
        pane[:: max(2, int(0.05 * canvas.density))] *= 0.6
    if rng.random() < 0.4:
        _pots(rng, pane, canvas.density)
    part[:] = pane
    mask = canvas.mask[box[1] : box[3], box[0] : box[2]]
    mask[:] = 1.0
    bar = max(2, int(rng.uniform(0.05, 0.08) * canvas.density))
    bars = np.zeros((height, width), np.bool_)
    bars[:bar] = bars[-bar:] = bars[:, :bar] = bars[:, -bar:] = True
    for split in range(1, int(rng.integers(1, 4))):
        place = width * split // int(rng.integers(2, 4))
        bars[:, max(0, place - bar // 2) : place + bar // 2 + 1] = True
    if rng.random() < 0.55:
        place = int(height * rng.uniform(0.22, 0.5))
        bars[place : place + bar] = True
    part[bars] = frame * rng.uniform(0.85, 1.05)
    part[1:][bars[:-1] & ~bars[1:]] *= 0.6
    mask[bars] = 0.0


def _curtains(rng: np.random.Generator, pane: NDArray[np.float32]) -> None:
    height, width = pane.shape[:2]
    colour = np.clip(rng.uniform(0.55, 0.9) * (1 + rng.normal(0, 0.12, 3)), 0, 0.95)
    folds = 0.85 + 0.15 * np.sin(np.cumsum(rng.uniform(0.3, 1.1, width)))
    cover = np.zeros(width, np.bool_)
    reach = int(width * rng.uniform(0.15, 0.5))
    if rng.random() < 0.8:
        cover[:reach] = True
    if rng.random() < 0.8:
        cover[-reach:] = True
    bottom = height if rng.random() < 0.7 else int(height * rng.uniform(0.4, 0.8))
    pane[:bottom, cover] = (colour * folds[cover][:, None])[None]


def _blind(rng: np.random.Generator, pane: NDArray[np.float32], density: float) -> None:
    bottom = int(pane.shape[0] * rng.uniform(0.2, 1.0))
    slats = 0.8 + 0.2 * ((np.arange(bottom) % max(2.0, density * 0.06)) < density * 0.03)
    colour = np.clip(rng.uniform(0.5, 0.85) * (1 + rng.normal(0, 0.08, 3)), 0, 0.95)
    pane[:bottom] = (slats[:, None] * colour)[:, None]


def _pots(rng: np.random.Generator, pane: NDArray[np.float32], density: float) -> None:
    height, width = pane.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        x, size = int(rng.integers(width)), density * rng.uniform(0.07, 0.18)
        green = (rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.4))
        cv2.circle(pane, (x, int(height - 1.8 * size)), max(1, int(size)), green, -1)
        cv2.rectangle(
            pane,
            (int(x - size / 2), int(height - size)),
            (int(x + size / 2), height),
            rng.uniform(0.2, 0.7, 3).tolist(),
            -1,
        )


def _shop(rng: np.random.Generator, canvas: Canvas, box: tuple[int, int, int, int], frame: NDArray[np.float32]) -> None:
    part = canvas.part(box)
    height, width = part.shape[:2]
    part[:] = _interior(rng, (height, width), canvas.density) * 1.2
    shelf = int(height * rng.uniform(0.5, 0.8))
    for _ in range(int(rng.integers(6, 22))):
        x, size = int(rng.integers(width)), rng.uniform(0.08, 0.5, 2) * canvas.density
        level = shelf if rng.random() < 0.5 else height
        colour = rng.uniform(0.1, 0.95, 3).tolist()
        if rng.random() < 0.7:
            cv2.rectangle(part, (x, int(level - size[1])), (int(x + size[0]), level), colour, -1)
        else:
            cv2.circle(part, (x, int(level - size[0] / 2)), max(1, int(size[0] / 2)), colour, -1)
    part[shelf : shelf + 2] = 0.3
    if rng.random() < 0.7:
        tall = int(height * rng.uniform(0.1, 0.22))
        top = int(rng.uniform(0.08, 0.4) * height)
        pad = width // 10
        write(
            part,
            random_name(rng, 9),
            (pad, top, width - pad, top + tall),
            np.full(3, rng.uniform(0.8, 1.0), np.float32),
        )
    canvas.mask[box[1] : box[3], box[0] : box[2]] = 1.0
    bar = max(2, int(0.06 * canvas.density))
    for rows, cols in (
        (slice(0, bar), slice(None)),
        (slice(-bar, None), slice(None)),
        (slice(None), slice(0, bar)),
        (slice(None), slice(-bar, None)),
    ):
        part[rows, cols] = frame
        canvas.mask[box[1] : box[3], box[0] : box[2]][rows, cols] = 0.0


def _door(rng: np.random.Generator, canvas: Canvas, box: tuple[int, int, int, int], frame: NDArray[np.float32]) -> None:
    part = canvas.part(box)
    height, width = part.shape[:2]
    colour = rng.uniform(0.12, 0.65, 3).astype(np.float32)
    part[:] = colour
    part *= 1 + 0.04 * fractal_noise(rng, (height, width), [canvas.density * 0.1, 2.0], (0.6, 0.5))[..., None]
    light = height // 6
    part[:light] = _interior(rng, (light, width), canvas.density)
    canvas.mask[box[1] : box[1] + light, box[0] : box[2]] = 1.0
    rows, cols = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    for row in range(rows):
        for col in range(cols):
            top = light + 3 + row * (height - light - 3) // rows
            left = 3 + col * (width - 3) // cols
            corner = (left + (width - 3) // cols - 5, top + (height - light - 3) // rows - 5)
            cv2.rectangle(part, (left, top), corner, (colour * rng.uniform(0.5, 0.75)).tolist(), 1)
            cv2.line(part, (left, corner[1]), corner, (colour * 1.4).tolist(), 1)
    cv2.circle(part, (int(width * 0.85), int(height * 0.55)), 2, (0.8, 0.75, 0.5), -1)
    part[:2] = part[:, :2] = part[:, -2:] = frame * 0.9


def _gate(rng: np.random.Generator, canvas: Canvas, box: tuple[int, int, int, int], frame: NDArray[np.float32]) -> None:
    del frame
    part = canvas.part(box)
    colour = rng.uniform(0.2, 0.75, 3).astype(np.float32)
    pitch = max(3.0, rng.uniform(0.08, 0.35) * canvas.density)
    along = np.arange(part.shape[0])[:, None] if rng.random() < 0.6 else np.arange(part.shape[1])[None]
    slats = np.where(along % pitch < 1.5, 0.6, 1.0) * np.ones(part.shape[:2])
    part[:] = (
        colour * slats[..., None] * (1 + 0.05 * fractal_noise(rng, part.shape[:2], [12.0, 3.0], (0.7, 0.4))[..., None])
    )
    if rng.random() < 0.5:
        wide, tall = part.shape[1], part.shape[0]
        write(
            part,
            random_name(rng, 8),
            (wide // 8, tall // 4, wide - wide // 8, tall // 2),
            1 - colour,
            rng.uniform(-0.2, 0.3),
        )
