# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch

from sfd2_lab.training.teachers.corners import CornerConfig, corner_response, find_corners, reliability_map


def board(side: int = 16, count: int = 6) -> torch.Tensor:
    """A chessboard, (3, h, w) uint8; inner corners lie between pixels at multiples of the side."""
    y, x = torch.meshgrid(torch.arange(side * count), torch.arange(side * count), indexing="ij")
    return ((x // side + y // side) % 2 * 180 + 30).to(torch.uint8).expand(3, -1, -1).contiguous()


def test_corners_of_a_chessboard_are_found_within_a_pixel_and_reliable() -> None:
    found = find_corners(board(), CornerConfig(), torch.Generator().manual_seed(0))
    truth = torch.tensor([[16 * i - 0.5, 16 * j - 0.5] for i in range(1, 6) for j in range(1, 6)])
    distance = torch.cdist(truth, found[:, :2]).min(1)
    assert distance.values.max() <= 1.5
    assert found[distance.indices, 2].mean() > 0.8
    assert len(found) < 40


def test_plain_picture_has_no_corners() -> None:
    flat = torch.full((3, 64, 64), 90, dtype=torch.uint8)
    assert len(find_corners(flat, CornerConfig(), torch.Generator().manual_seed(0))) == 0


def test_response_hardly_depends_on_contrast() -> None:
    gray = board().float().mean(0)[None] / 255
    bright, dim = corner_response(gray), corner_response(gray / 4)
    torch.testing.assert_close(dim.max(), bright.max(), rtol=0.1, atol=0)


def test_edge_is_no_corner() -> None:
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :, 32:] = 200
    assert len(find_corners(image, CornerConfig(), torch.Generator().manual_seed(0))) == 0


def test_reliability_is_a_share() -> None:
    gray = board().float().mean(0) / 255
    share = reliability_map(gray, CornerConfig(warps=4), torch.Generator().manual_seed(0))
    assert share.min() >= 0
    assert share.max() <= 1
    assert share[16:80, 16:80].max() > 0.9
