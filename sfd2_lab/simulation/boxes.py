# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes, prisms and flat cards: the parts of small things."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sfd2_lab.simulation.surfaces import Look, SurfaceBuilder


def add_box(
    builder: SurfaceBuilder,
    frame: NDArray[np.float64],
    low: ArrayLike,
    high: ArrayLike,
    look: Look,
    *,
    uv: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Add a box between two corners (3,), z up in the frame; all sides show the texture from `uv` on, in metres."""
    a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    width, length, height = (b - a).tolist()
    sides = (
        ((a[0], a[1], a[2]), (width, 0, 0)),
        ((b[0], a[1], a[2]), (0, length, 0)),
        ((b[0], b[1], a[2]), (-width, 0, 0)),
        ((a[0], b[1], a[2]), (0, -length, 0)),
    )
    for start, along in sides:
        builder.rectangle(frame, start, along, (0, 0, height), look, uv=uv)
    builder.rectangle(frame, (a[0], a[1], b[2]), (width, 0, 0), (0, length, 0), look, uv=uv)
    below = dataclasses.replace(look, shade=look.shade * 0.4)
    builder.rectangle(frame, (a[0], b[1], a[2]), (width, 0, 0), (0, -length, 0), below, uv=uv)


def add_prism(
    builder: SurfaceBuilder,
    foot: ArrayLike,
    tip: ArrayLike,
    radii: tuple[float, float],
    look: Look,
    *,
    sides: int = 6,
) -> None:
    """Add a pole from foot to tip (3,), world metres, with a radius at each end."""
    start, end = np.asarray(foot, dtype=np.float64), np.asarray(tip, dtype=np.float64)
    axis = (end - start) / np.linalg.norm(end - start)
    helper = np.array((1.0, 0.0, 0.0)) if abs(axis[0]) < 0.9 else np.array((0.0, 1.0, 0.0))
    first = crossed(axis, helper)
    first /= np.linalg.norm(first)
    second = crossed(axis, first)
    angles = np.arange(sides + 1) * 2 * np.pi / sides
    rim = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    chord = 2 * radii[0] * np.sin(np.pi / sides)
    for k in range(sides):
        corners = (
            start + radii[0] * rim[k],
            start + radii[0] * rim[k + 1],
            end + radii[1] * rim[k + 1],
            end + radii[1] * rim[k],
        )
        along = (rim[k + 1] - rim[k]) / np.linalg.norm(rim[k + 1] - rim[k])
        builder.polygon(np.eye(4), corners, look, (corners[0] - along * chord * k, along, axis))


def crossed(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross product of two (3,) vectors, many times faster than numpy's for single ones."""
    (a, b, c), (x, y, z) = first.tolist(), second.tolist()
    return np.array((b * z - c * y, c * x - a * z, a * y - b * x))


def add_card(
    builder: SurfaceBuilder,
    centre: ArrayLike,
    axes: tuple[ArrayLike, ArrayLike],
    size: tuple[float, float],
    look: Look,
) -> None:
    """Add a rectangle around a centre (3,) in the world, along right and up, with one texture of `size` metres."""
    middle = np.asarray(centre, dtype=np.float64)
    along = np.asarray(axes[0], dtype=np.float64) * size[0]
    rise = np.asarray(axes[1], dtype=np.float64) * size[1]
    builder.rectangle(np.eye(4), middle - along / 2 - rise / 2, along, rise, look, uv=(0.0, 0.0))
