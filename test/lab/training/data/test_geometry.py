# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from sfd2_lab.training.data.geometry import (
    WarpConfig,
    companion,
    cut,
    from_four_points,
    map_points,
    pixel_grid,
    similarity,
)


def test_pixel_grid_is_x_then_y() -> None:
    grid = pixel_grid(2, 3)
    assert grid.shape == (2, 3, 2)
    assert grid[1, 2].tolist() == [2.0, 1.0]


def test_homography_of_four_points_takes_each_to_its_target() -> None:
    source = torch.tensor([[0.0, 0.0], [9.0, 0.0], [9.0, 7.0], [0.0, 7.0]], dtype=torch.float64)
    target = source + torch.tensor([[1.0, -2.0], [0.5, 0.3], [-1.0, 1.0], [2.0, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(map_points(from_four_points(source, target), source), target)


def test_similarity_turns_scales_and_hits_its_target() -> None:
    turned = similarity(2.0, math.pi / 2, (1.0, 1.0), (5.0, 6.0))
    points = torch.tensor([[1.0, 1.0], [2.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(map_points(turned, points), torch.tensor([[5.0, 6.0], [5.0, 8.0]], dtype=torch.float64))


@pytest.mark.parametrize("size", [(300, 400), (100, 400), (64, 64)])
def test_first_crop_lies_in_the_view_where_it_fits(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    ends = torch.tensor([[0.0, 0.0], [63.0, 63.0]], dtype=torch.float64)
    for _ in range(50):
        corners = map_points(cut(generator, size, 64, WarpConfig()), ends)
        assert corners.min() >= -0.5
        assert corners[1, 0] <= size[1]
        assert corners[1, 1] <= size[0]


def test_companion_without_warp_is_the_same_crop() -> None:
    still = WarpConfig(scale=1.0, rotation_deg=0.0, perspective=0.0, shift=0.0)
    same = companion(torch.Generator().manual_seed(1), 64, still)
    torch.testing.assert_close(same, torch.eye(3, dtype=torch.float64), atol=1e-9, rtol=0)


def test_same_generator_gives_the_same_crops() -> None:
    first, second = (companion(torch.Generator().manual_seed(3), 64, WarpConfig()) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, companion(torch.Generator().manual_seed(4), 64, WarpConfig()))
