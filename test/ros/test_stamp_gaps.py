# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sfd2_ros.ros.stamp_gaps import MIN_INTERVALS, Gaps, StampGaps


def judged(seconds: Iterable[float]) -> Gaps:
    gaps = StampGaps()
    for second in seconds:
        gaps.add(round(second * 1e9))
    return gaps.judge()


def test_regular_stamps_have_no_gap_whatever_their_rate_and_jitter() -> None:
    generator = np.random.default_rng(0)
    for rate_hz in (1.0, 10.0, 90.0):
        stamps = np.arange(40) / rate_hz
        assert judged(stamps).lost == 0
        assert judged(stamps + generator.uniform(0, 0.2 / rate_hz, 40)).lost == 0


def test_one_missing_image_in_ten_is_counted_and_is_not_many() -> None:
    found = judged(0.1 * number for number in range(40) if number % 11 != 5)
    assert found.lost <= 2
    assert not found.are_many


def test_half_of_the_images_missing_at_random_are_counted() -> None:
    keep = np.random.default_rng(3).random(200) < 0.5
    found = judged(0.25 * np.flatnonzero(keep))
    assert 0.3 < found.lost / found.sent < 0.7
    assert found.are_many
    assert found.period_s == 0.25


def test_seven_of_sixty_images_are_known_to_be_too_few() -> None:
    found = judged(0.25 * np.array([0, 3, 14, 21, 24, 41, 58]))
    assert found.are_many


def test_camera_that_changes_its_rate_or_pauses_has_lost_nothing() -> None:
    slower = [*(0.033 * number for number in range(20)), *(0.66 + 0.066 * number for number in range(8))]
    assert judged(slower).lost == 0
    hiccup = [*(0.1 * number for number in range(10)), *(4 + 0.1 * number for number in range(4))]
    assert judged(hiccup).lost == 0
    paused = [*(0.1 * number for number in range(10)), *(60 + 0.1 * number for number in range(10))]
    assert judged(paused).lost == 0


def test_clock_that_is_set_back_and_few_images_say_nothing() -> None:
    assert judged([5.0, 5.1, 5.2, 0.1, 0.9]).lost == 0
    assert judged([0.0, 0.1, 0.9, 1.0, 1.1][:MIN_INTERVALS]).lost == 0
    assert judged([]).lost == 0
