# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Textures: rich, and no two alike."""

import itertools

import numpy as np
import pytest

from sfd2_lab.simulation.facade_paint import paint_facade
from sfd2_lab.simulation.facade_plan import FacadePlan, plan_facade
from sfd2_lab.simulation.ground_paint import RoadPiece, paint_pavement, paint_road
from sfd2_lab.simulation.lettering import text_mask
from sfd2_lab.simulation.randomness import generator, value_noise


def facade(seed: int) -> np.ndarray:
    plan = plan_facade(seed, 10.0)
    return paint_facade(plan, (round(plan.height * 20), 200))


def test_letters_and_digits_are_all_different() -> None:
    masks = {letter: text_mask(letter, 24) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789"}
    for (first, a), (second, b) in itertools.combinations(masks.items(), 2):
        assert np.abs(a - b).mean() > 0.01, (first, second)


def test_a_facade_is_the_same_for_a_seed_and_another_for_the_next() -> None:
    np.testing.assert_array_equal(facade(5), facade(5))
    first, second = facade(5).astype(float), facade(6).astype(float)
    rows = min(len(first), len(second))
    assert np.abs(first[-rows:] - second[-rows:]).mean() > 10


@pytest.mark.parametrize("seed", range(12))
def test_openings_and_slabs_lie_on_the_facade_and_openings_apart(seed: int) -> None:
    plan: FacadePlan = plan_facade(seed, 6.0 + seed)
    assert plan.openings
    for opening in plan.openings:
        assert 0 <= opening.left < opening.right <= plan.width
        assert 0 <= opening.bottom < opening.top <= plan.height
        assert opening.depth > 0.05
    for first, second in itertools.combinations(plan.openings, 2):
        beside = first.right <= second.left + 1e-9 or second.right <= first.left + 1e-9
        above = first.top <= second.bottom + 1e-9 or second.top <= first.bottom + 1e-9
        assert beside or above


def test_windows_of_one_house_do_not_repeat() -> None:
    plan = plan_facade(2, 14.0)
    image = paint_facade(plan, (round(plan.height * 30), 420)).astype(float)[::-1]
    panes = [
        image[round(o.bottom * 30) : round(o.bottom * 30) + 30, round(o.left * 30) : round(o.left * 30) + 22]
        for o in plan.openings
        if o.kind == "window"
    ]
    differences = [np.abs(a - b).mean() for a, b in itertools.combinations(panes, 2) if a.shape == b.shape]
    assert len(differences) > 10
    assert min(differences) > 1


def test_ground_is_textured_at_every_scale() -> None:
    for paint, kind in ((paint_road, "road"), (paint_pavement, "pavement")):
        image = paint(RoadPiece(3, 5.0, 20.0, 80.0, kind), (256, 256))[..., 1].astype(float)
        for scale in (1, 4, 16, 64):
            blurred = image.reshape(256 // scale, scale, 256 // scale, scale).mean((1, 3))
            assert blurred.std() > 1


def test_noise_has_the_deviation_and_the_scale_that_are_asked_for() -> None:
    for cell in (1.0, 4.0, 16.0):
        noise = value_noise(generator(1, "test"), (400, 400), cell)
        assert abs(noise.mean()) < 0.2
        assert 0.5 < noise.std() < 1.2
        step = np.abs(np.diff(noise, axis=1)).mean()
        assert step < 2.2 / cell
