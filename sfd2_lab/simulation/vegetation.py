# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Street trees: trunk, branches, and a crown of leafy cards at all angles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.boxes import add_card, add_prism, crossed
from sfd2_lab.simulation.materials import finished
from sfd2_lab.simulation.randomness import fractal_noise, generator
from sfd2_lab.simulation.surfaces import Look, raised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.surfaces import Site

_DENSITY = 60.0
_LEAF_KINDS = 12
_LEAF_COLOURS = {
    "summer": ((0.34, 0.47, 0.20), (0.28, 0.42, 0.18), (0.40, 0.50, 0.24)),
    "autumn": ((0.72, 0.48, 0.14), (0.66, 0.30, 0.12), (0.60, 0.52, 0.20)),
}


def build_tree(
    site: Site,
    seed: int,
    foot: NDArray[np.float64],
    instance: int,
    leaves: tuple[str, int],
) -> None:
    """Add a tree.

    Args:
        site: where surfaces and textures go.
        seed: of this tree: trunk and size.
        foot: (3,) metres.
        instance: number of the object.
        leaves: season ("summer", "autumn" or "winter") and a seed of the session, by which leaves hang differently.
    """
    rng = generator(seed, "tree")
    height, radius = float(rng.uniform(2.6, 3.6)), float(rng.uniform(0.11, 0.2))
    bark = site.atlas.register((2.0, 4.0), 50.0, lambda shape: _paint_bark(seed, shape), ("bark", seed))
    look = Look(bark, classes.TREE, instance)
    lean = rng.normal(0, 0.12, 2)
    crown = raised(foot, height) + np.array((*lean, 0.0))
    add_prism(site.builder, foot, crown, (radius, radius * 0.7), look, sides=7)
    for _ in range(6):
        tip = raised(crown, 1.5) + rng.normal(0, 1, 3) * (1.0, 1.0, 0.4)
        add_prism(site.builder, raised(crown, -0.4), tip, (radius * 0.45, 0.02), look, sides=4)
    season, session = leaves
    spread = float(rng.uniform(1.1, 1.6))
    middle = raised(crown, 1.3)
    foliage = generator(seed, session, "foliage")
    for _ in range(22):
        texture = _leaf_texture(site.atlas, session, int(foliage.integers(_LEAF_KINDS)), season)
        leaf = Look(
            texture, classes.TREE, instance, is_double_sided=True, is_cutout=True, shade=float(foliage.uniform(0.55, 1))
        )
        heading = foliage.normal(0, 1, 3)
        right = np.array((heading[1], -heading[0], 0.0))
        right /= np.linalg.norm(right)
        up = crossed(right, heading / np.linalg.norm(heading))
        up *= -1 if up[2] < 0 else 1
        centre = middle + foliage.normal(0, 0.6, 3) * (spread, spread, spread * 0.85)
        add_card(site.builder, centre, (right, up), (2.2, 2.2), leaf)


def _leaf_texture(atlas: TextureAtlas, session: int, kind: int, season: str) -> int:
    seed = session * 97 + kind
    paint = lambda shape: _paint_leaves(seed, season, shape)  # noqa: E731 - a recipe, not a function of its own
    return atlas.register((2.2, 2.2), _DENSITY, paint, ("leaves", seed, season))


def _paint_leaves(seed: int, season: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "leaves", season)
    height, width = shape
    painted, mask = np.zeros((height, width, 3), np.float32), np.zeros(shape, np.float32)
    _twigs(rng, painted, mask)
    if season in _LEAF_COLOURS:
        palette = np.array(_LEAF_COLOURS[season])
        base = palette[int(rng.integers(3))]
        count = 900 if season == "summer" else 520
        places = rng.normal(0.5, 0.17, (count, 2)) * (width, height)
        for place, angle, tone in zip(places, rng.uniform(0, 180, count), rng.normal(1, 0.22, count), strict=True):
            centre, axes = (int(place[0]), int(place[1])), (int(rng.integers(3, 6)), int(rng.integers(1, 4)))
            colour = np.clip(base * tone + rng.normal(0, 0.025, 3), 0.03, 0.9)
            cv2.ellipse(painted, centre, axes, float(angle), 0, 360, colour.tolist(), -1)
            cv2.ellipse(mask, centre, axes, float(angle), 0, 360, 1.0, -1)
    spread = cv2.blur(painted, (9, 9)) / np.maximum(cv2.blur(mask, (9, 9)), 1e-3)[..., None]
    return finished(np.where(mask[..., None] > 0, painted, np.clip(spread, 0, 1)), mask)


def _twigs(rng: np.random.Generator, painted: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    height, width = mask.shape
    for _ in range(26):
        heading = rng.uniform(-np.pi, 0) + np.cumsum(rng.normal(0, 0.2, 12))
        steps = np.stack([np.cos(heading), np.sin(heading)], 1) * rng.uniform(4, 8)
        points = (np.array((0.5, 0.7)) * (width, height) + np.cumsum(steps, 0)).astype(np.int32)
        tone = float(rng.uniform(0.2, 0.3))
        cv2.polylines(painted, [points], False, (tone, tone * 0.9, tone * 0.8), 2)
        cv2.polylines(mask, [points], False, 1.0, 2)


def _paint_bark(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = generator(seed, "bark")
    noise = fractal_noise(rng, (shape[0] // 4 + 1, shape[1]), [20.0, 6.0, 2.0], (0.15, 0.2, 0.15))
    noise = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    colour = np.array((0.36, 0.31, 0.26)) * rng.uniform(0.8, 1.2)
    return finished(np.asarray(colour * (1 + noise[..., None]), dtype=np.float32))
