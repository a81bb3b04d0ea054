# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch

from sfd2_lab.training.data.geometry import WarpConfig, companion, cut, map_points, similarity
from sfd2_lab.training.data.pairs import Flow, Pair, View, collate, locate
from sfd2_ros.features.semantics import NOT_LABELLED

CPU = torch.device("cpu")


def view_of_gradient(height: int = 80, width: int = 100) -> View:
    """A picture whose red is x and green is y, with labels in stripes and two corners."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([2 * x, 2 * y, torch.zeros_like(x)]).to(torch.uint8)
    labels = (x // 10).to(torch.uint8)
    return View(image, labels, (labels % 3).to(torch.uint8), torch.tensor([[30.0, 20.0, 0.8], [31.0, 20.0, 0.4]]))


def random_pair(seed: int) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    view = view_of_gradient()
    first = cut(generator, (80, 100), 64, WarpConfig())
    return Pair((view, view), (first, first @ companion(generator, 64, WarpConfig())))


def test_crop_of_whole_pixels_is_a_copy() -> None:
    view = view_of_gradient()
    shifted = similarity(1.0, 0.0, (0.0, 0.0), (20.0, 10.0))
    batch = collate([Pair((view, view), (shifted, shifted))], 64, CPU)
    torch.testing.assert_close(batch.images[0], view.image[:, 10:74, 20:84].float() / 255)
    assert torch.equal(batch.labels[0], view.labels[10:74, 20:84])
    assert torch.equal(batch.classes[1], view.classes[10:74, 20:84])
    assert batch.valid.all()


def test_corner_moves_with_the_crop_and_is_shared_by_the_pixels_around_it() -> None:
    view = view_of_gradient()
    moved = similarity(1.0, 0.0, (0.0, 0.0), (19.75, 10.5))  # the corner at (30, 20) is at (10.25, 9.5) of the crop
    alone = View(view.image, view.labels, view.classes, view.corners[:1])
    batch = collate([Pair((alone, alone), (moved, moved))], 40, CPU)
    expected = torch.zeros(40, 40)
    expected[9:11, 10:12] = 0.8 * torch.tensor([[0.375, 0.125], [0.375, 0.125]])
    torch.testing.assert_close(batch.reliability[0], expected)


def test_of_two_corners_at_one_pixel_the_better_stays() -> None:
    view = view_of_gradient()
    same = View(view.image, view.labels, view.classes, torch.tensor([[30.0, 20.0, 0.4], [30.0, 20.0, 0.8]]))
    whole = similarity(1.0, 0.0, (0.0, 0.0), (20.0, 10.0))
    batch = collate([Pair((same, same), (whole, whole))], 40, CPU)
    assert torch.nonzero(batch.reliability[0]).tolist() == [[10, 10]]
    assert float(batch.reliability[0, 10, 10]) == torch.tensor(0.8)


def test_what_lies_outside_the_view_is_not_valid_and_not_labelled() -> None:
    view = view_of_gradient()
    outside = similarity(1.0, 0.0, (0.0, 0.0), (60.0, 40.0))
    batch = collate([Pair((view, view), (outside, outside))], 64, CPU)
    assert batch.valid[0, :40, :40].all()
    assert not batch.valid[0, :, 40:].any()
    assert not batch.valid[0, 40:].any()
    assert (batch.labels[0][~batch.valid[0]] == NOT_LABELLED).all()


def test_matched_cells_show_the_same_colour_in_both_crops() -> None:
    compared = 0
    for seed in range(10):
        batch = collate([random_pair(seed)], 64, CPU)
        for row, column in torch.nonzero(batch.matched[0])[::7].tolist():
            x, y = batch.target[0, row, column].tolist()
            here = batch.images[0, :2, 4 * row + 1 : 4 * row + 3, 4 * column + 1 : 4 * column + 3].mean((1, 2))
            there = batch.images[1, :2, round(y), round(x)]
            assert (here - there).abs().max() < 4 / 255
            compared += 1
    assert compared > 100


def test_locate_is_the_composition_of_both_homographies() -> None:
    pair = random_pair(3)
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 63
    target, seen = locate(pair, points, 64)
    torch.testing.assert_close(map_points(pair.view_from_crop[1], target), map_points(pair.view_from_crop[0], points))
    assert torch.equal(seen, ((target >= 0) & (target <= 63)).all(1))


def test_flow_moves_the_target_and_hides_what_is_hidden() -> None:
    view = view_of_gradient()
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(100.0), indexing="ij")
    visible = torch.ones(80, 100, dtype=torch.bool)
    visible[:, 50:] = False
    still = torch.eye(3, dtype=torch.float64)
    pair = Pair((view, view), (still, still), Flow(torch.stack([x + 3, y - 1], -1), visible))
    target, seen = locate(pair, torch.tensor([[10.25, 20.0], [60.0, 20.0]], dtype=torch.float64), 64)
    torch.testing.assert_close(target[0], torch.tensor([13.25, 19.0], dtype=torch.float64))
    assert seen.tolist() == [True, False]
