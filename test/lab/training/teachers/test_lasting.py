# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from sfd2_lab.training.teachers.lasting import lasting_corners

SIZE = (40, 60)


def corners(*places: tuple[float, float]) -> torch.Tensor:
    return torch.tensor([[x, y, 0.9] for x, y in places]) if places else torch.zeros(0, 3)


def found(lights: list[list[torch.Tensor]], smallest: float = 0.25) -> torch.Tensor:
    return lasting_corners(lights, SIZE, tolerance_px=2.0, smallest=smallest, radius_px=3)


def test_only_corners_that_every_light_shows_last() -> None:
    always, by_day, by_night = (20.0, 10.0), (40.0, 20.0), (10.0, 30.0)
    last = found([[corners(always, by_day)] * 4, [corners(always, by_night)] * 3])
    assert last.shape == (1, 3)
    torch.testing.assert_close(last[0], torch.tensor([20.0, 10.0, 1.0]))


def test_reliability_is_the_geometric_mean_of_the_fractions_of_frames() -> None:
    here = corners((20.0, 10.0))
    last = found([[here, here, here, corners()], [here, corners(), corners(), corners()]])
    assert float(last[0, 2]) == pytest.approx((0.75 * 0.25) ** 0.5)
    assert len(found([[here, here, here, corners()], [here, corners(), corners(), corners()]], smallest=0.5)) == 0


def test_place_lies_between_the_pixels_where_the_frames_agree() -> None:
    spread = [corners((20.0 + dx, 10.0 - dx)) for dx in (0.0, 0.4, 0.8)]
    last = found([spread, spread])
    assert len(last) == 1
    torch.testing.assert_close(last[0, :2], torch.tensor([20.4, 9.6]), atol=0.1, rtol=0)


def test_a_light_with_many_frames_does_not_outvote_the_other() -> None:
    place = (20.0, 10.0)
    last = found([[corners(place)] * 20, [corners((21.0, 10.0))]])
    torch.testing.assert_close(last[0, :2], torch.tensor([20.5, 10.0]), atol=0.1, rtol=0)


def test_corners_at_the_edge_and_lights_without_corners_are_no_trouble() -> None:
    edge = corners((0.0, 0.0), (59.0, 39.0))
    assert len(found([[edge], [edge]])) == 2
    assert len(found([[edge], [corners()]])) == 0
    assert len(found([[corners()], [corners()]])) == 0
