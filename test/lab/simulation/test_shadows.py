# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shadows against rays cast towards the sun."""

import numpy as np
import torch

from sfd2_lab.simulation.atlas import TextureAtlas
from sfd2_lab.simulation.shadows import ShadowMap, direction_of
from sfd2_lab.simulation.surfaces import Look, SurfaceBuilder, Surfaces


def some_walls(atlas: TextureAtlas, *, is_cutout: bool = False) -> Surfaces:
    """Return a floor of 20 m, and rectangles that stand and hang above it."""
    builder, rng = SurfaceBuilder(), np.random.default_rng(3)
    texture = atlas.register((1.0, 1.0), 16.0, lambda shape: half_open(shape, is_cutout=is_cutout), ("wall",))
    look = Look(texture, 1, 1, is_cutout=is_cutout)
    builder.rectangle(np.eye(4), (-10, -10, 0), (20, 0, 0), (0, 20, 0), Look(texture, 1, 1))
    for _ in range(12):
        start = rng.uniform((-6, -6, 0.5), (6, 6, 3))
        along = rng.normal(0, 1, 3)
        up = np.cross(along, rng.normal(0, 1, 3))
        builder.rectangle(np.eye(4), start, along * 2, up * 2 / np.linalg.norm(up), look, uv=(0.0, 0.0))
    return builder.build()


def half_open(shape: tuple[int, int], *, is_cutout: bool) -> np.ndarray:
    """Return a texture whose left half is there; all of it when it is no cutout."""
    image = np.full((*shape, 4), 255, np.uint8)
    image[:, shape[1] // 2 :, 3] = 0 if is_cutout else 255
    return image


def is_hidden(surfaces: Surfaces, place: np.ndarray, towards: np.ndarray, half: float = 99.0) -> bool:
    """Return whether a ray meets a rectangle, within the first `half` metre of its texture's width."""
    for corners, u_axis, origin in zip(surfaces.corners[1:], surfaces.u_axis[1:], surfaces.uv_origin[1:], strict=True):
        first, second = corners[1] - corners[0], corners[3] - corners[0]
        normal = np.cross(first, second)
        distance = normal @ (corners[0] - place) / (normal @ towards)
        hit = place + distance * towards - corners[0]
        a, b = hit @ first / (first @ first), hit @ second / (second @ second)
        if distance > 0 and 0 <= a <= 1 and 0 <= b <= 1 and (hit + corners[0] - origin) @ u_axis < half:
            return True
    return False


def shares(surfaces: Surfaces, atlas: TextureAtlas, towards: np.ndarray, places: np.ndarray) -> np.ndarray:
    shadows = ShadowMap(surfaces, towards, atlas, cell_m=0.03)
    up = torch.tensor([[0.0, 0.0, 1.0]]).expand(len(places), 3)
    return shadows.lit(torch.from_numpy(places.astype(np.float32)), up).numpy()


def test_shadows_fall_where_rays_to_the_sun_are_stopped() -> None:
    atlas = TextureAtlas(torch.device("cpu"))
    surfaces, towards = some_walls(atlas), direction_of(30, 50)
    places = np.column_stack([np.random.default_rng(0).uniform(-7, 7, (600, 2)), np.zeros(600)])
    expected = np.array([0.0 if is_hidden(surfaces, place, towards) else 1.0 for place in places])
    assert 0.1 < expected.mean() < 0.95
    # At the edge of a shadow the map may be off by a cell.
    assert (np.abs(shares(surfaces, atlas, towards, places) - expected) > 0.5).mean() < 0.03


def test_holes_let_the_sun_through() -> None:
    atlas = TextureAtlas(torch.device("cpu"))
    surfaces, towards = some_walls(atlas, is_cutout=True), direction_of(30, 50)
    places = np.column_stack([np.random.default_rng(0).uniform(-7, 7, (600, 2)), np.zeros(600)])
    expected = np.array([0.0 if is_hidden(surfaces, place, towards, half=0.5) else 1.0 for place in places])
    closed = np.array([0.0 if is_hidden(surfaces, place, towards, half=99.0) else 1.0 for place in places])
    assert expected.mean() > closed.mean() + 0.03
    assert (np.abs(shares(surfaces, atlas, towards, places) - expected) > 0.5).mean() < 0.05


def test_direction_of_the_sun() -> None:
    np.testing.assert_allclose(direction_of(0, 0), (1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(direction_of(90, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(direction_of(45, 90), (0, 0, 1), atol=1e-12)
