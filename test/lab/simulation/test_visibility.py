# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rasteriser against rays cast one by one."""

import itertools

import numpy as np
import pytest
import torch

from sfd2_lab.simulation.visibility import NEAREST_M, NOTHING, nearest_surface, perspective_outlines

INTRINSICS = (40.0, 40.0, 31.5, 23.5)
SIZE = (48, 64)


def random_rectangles(seed: int, count: int) -> np.ndarray:
    """Return (count, 4, 3) rectangles around and behind the eye, some of them through its plane."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform((-6, -5, -3), (6, 5, 12), (count, 3))
    first = rng.normal(0, 2, (count, 3))
    second = np.cross(first, rng.normal(0, 1, (count, 3)))
    second *= (rng.uniform(0.3, 3, count) / np.linalg.norm(second, axis=1))[:, None]
    return np.stack(
        [centre - first - second, centre + first - second, centre + first + second, centre - first + second], 1
    )


def cast_rays(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return index and depth of the nearest rectangle at each pixel, by brute force."""
    fx, fy, cx, cy = INTRINSICS
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float64)
    rays = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], -1)
    best, depth = np.full(SIZE, NOTHING), np.full(SIZE, np.inf)
    for index, quad in enumerate(corners):
        first, second = quad[1] - quad[0], quad[3] - quad[0]
        normal = np.cross(first, second)
        distance = (normal @ quad[0]) / (rays @ normal)
        offset = rays * distance[..., None] - quad[0]
        a, b = offset @ first / (first @ first), offset @ second / (second @ second)
        hit = (distance > NEAREST_M) & (a >= 0) & (a <= 1) & (b >= 0) & (b <= 1) & (distance < depth)
        best[hit], depth[hit] = index, distance[hit]
    return best, depth


def render(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outlines = perspective_outlines(torch.from_numpy(corners), INTRINSICS, SIZE[0])
    seen, nearness = nearest_surface(outlines, SIZE, torch.zeros(len(corners), dtype=torch.bool), None)
    return seen.numpy(), nearness.numpy()


@pytest.mark.parametrize("seed", range(8))
def test_nearest_surface_is_what_a_cast_ray_meets(seed: int) -> None:
    corners = random_rectangles(seed, 40)
    expected, depth = cast_rays(corners)
    seen, nearness = render(corners)
    assert (expected != NOTHING).mean() > 0.3
    assert (seen != expected).mean() < 0.001
    agree = (seen == expected) & (seen != NOTHING)
    np.testing.assert_allclose(1 / nearness[agree], depth[agree], rtol=1e-4)


def test_neighbours_that_share_an_edge_leave_no_gap() -> None:
    rng = np.random.default_rng(0)
    x = np.sort(np.concatenate([[-9.0, 9.0], rng.uniform(-9, 9, 30)]))
    walls = [[(a, -9, 5), (b, -9, 5), (b, 9, 5), (a, 9, 5)] for a, b in itertools.pairwise(x)]
    seen, _ = render(np.array(walls, dtype=np.float64))
    assert (seen != NOTHING).all()


def test_nothing_is_seen_behind_the_eye_or_of_no_surface() -> None:
    behind = np.array([[(-1, -1, -3), (1, -1, -3), (1, 1, -3), (-1, 1, -3)]], dtype=np.float64)
    assert (render(behind)[0] == NOTHING).all()
    assert (render(np.zeros((0, 4, 3)))[0] == NOTHING).all()


def test_fragments_of_holes_are_dropped() -> None:
    wall = np.array([[(-9, -9, 5), (9, -9, 5), (9, 9, 5), (-9, 9, 5)]], dtype=np.float64)
    outlines = perspective_outlines(torch.from_numpy(wall), INTRINSICS, SIZE[0])

    def left_half(_: torch.Tensor, column: torch.Tensor, __: torch.Tensor, ___: torch.Tensor) -> torch.Tensor:
        return column < 32

    seen, _ = nearest_surface(outlines, SIZE, torch.ones(1, dtype=torch.bool), left_half)
    assert (seen[:, :32] == 0).all()
    assert (seen[:, 32:] == NOTHING).all()
