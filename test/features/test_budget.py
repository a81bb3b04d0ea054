# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images are reduced so that their features come within a time limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from sfd2_ros.features import ExtractorConfig
from sfd2_ros.features.budget import SCALES, BudgetChoice, BudgetedExtraction, LatencyBudget

PIXELS = 640 * 480


def after(budget: LatencyBudget, seconds: float, images: int = 5) -> BudgetChoice:
    """Return the choice after images that needed so long at scale 1."""
    for _ in range(images):
        scale = budget.choose(PIXELS).scale
        budget.observe(PIXELS * scale**2, seconds * scale**2)
    return budget.choose(PIXELS)


@pytest.mark.parametrize(("seconds", "scale"), [(0.1, 1.0), (0.3, 0.8), (0.45, 0.64), (0.79, 0.5), (0.81, 0.5)])
def test_the_largest_scale_within_the_limit_is_taken(seconds: float, scale: float) -> None:
    choice = after(LatencyBudget(0.2), seconds)
    assert choice.scale == scale
    assert choice.expected_s == pytest.approx(seconds * scale**2)
    assert choice.fits == (seconds <= 0.8)


def test_an_image_that_had_to_wait_changes_nothing() -> None:
    budget = LatencyBudget(0.2)
    after(budget, 0.15)
    budget.observe(PIXELS, 3.0)
    assert budget.choose(PIXELS).scale == 1


def test_a_machine_that_slows_down_gets_smaller_images_and_larger_ones_when_it_has_recovered() -> None:
    budget = LatencyBudget(0.2)
    assert after(budget, 0.15).scale == 1
    assert after(budget, 0.5).scale == 0.5
    assert after(budget, 0.15).scale == 1


def test_the_choice_does_not_swing_at_the_limit() -> None:
    budget = LatencyBudget(0.2)
    after(budget, 0.21)
    assert {after(budget, seconds, 1).scale for seconds in (0.19, 0.21) * 10} == {0.8}


@dataclass
class Clocked:
    """An extractor that needs a microsecond for a pixel, by its own clock."""

    config: ExtractorConfig = field(default_factory=ExtractorConfig)
    now: float = 0.0
    parent: Any = None

    def with_config(self, config: ExtractorConfig) -> Clocked:
        return Clocked(config, parent=self)

    def __call__(self, image: np.ndarray) -> tuple[int, int]:
        scale = min(1, self.config.max_side_px / max(image.shape[:2]))
        size = round(image.shape[0] * scale), round(image.shape[1] * scale)
        (self.parent or self).now += size[0] * size[1] * 1e-6
        return size


def test_images_are_reduced_and_a_change_is_reported_once() -> None:
    told: list[tuple[float, bool, tuple[int, int]]] = []
    extractor: Any = Clocked()
    budgeted = BudgetedExtraction(
        0.2,
        clock=lambda: extractor.now,
        on_change=lambda one, size: told.append((one.scale, one.fits, size)),
    )
    sizes = [budgeted(extractor, np.zeros((480, 640, 3), np.uint8)) for _ in range(4)]
    assert sizes == [(480, 640), *[(384, 512)] * 3]
    assert told == [(0.8, True, (480, 640))]
    assert budgeted(extractor, np.zeros((1600, 3200, 3), np.uint8)) == (400, 800)
    assert told[1:] == [(SCALES[-1], False, (1600, 3200))]


def test_features_are_in_pixels_of_the_image_as_it_is_given(extractor: Any) -> None:
    image = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)
    times = iter([0.0, 1.0, 1.0, 1.1])
    budgeted = BudgetedExtraction(0.3, clock=lambda: next(times))
    first, reduced = budgeted(extractor, image), budgeted(extractor, image)
    assert budgeted.choice.scale == 0.5
    assert reduced.image_size == first.image_size == (96, 128)
    assert reduced.keypoints[:, 0].max() > 64


def test_a_reduced_image_has_as_many_keypoints_for_a_pixel_as_before() -> None:
    seen: list[ExtractorConfig] = []
    extractor: Any = Clocked()
    extractor.with_config = lambda config: seen.append(config) or Clocked(config, parent=extractor)
    budgeted = BudgetedExtraction(0.2, clock=lambda: extractor.now)
    for _ in range(2):
        budgeted(extractor, np.zeros((480, 640, 3), np.uint8))
    assert [(one.max_side_px, one.max_keypoints) for one in seen] == [(512, 1311)]
