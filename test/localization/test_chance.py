# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The a-contrario test against exact arithmetic, and the spread of inliers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.grid import spread
from sfd2_ros.localization.chance import log10_false_alarms

CAMERA = Camera(640, 480, 500, 500, 319.5, 239.5)


@given(st.integers(4, 300), st.data())
@settings(max_examples=60, deadline=None)
def test_false_alarms_are_those_of_exact_arithmetic(matches: int, data: st.DataObject) -> None:
    agreeing = data.draw(st.integers(4, matches))
    share = Fraction(np.pi * 8.0**2 / (640 * 480))
    exact = (matches - 3) * math.comb(matches, agreeing) * math.comb(agreeing, 3) * share ** (agreeing - 3)
    found = log10_false_alarms(num_matches=matches, num_agreeing=agreeing, radius_px=8, area_px=640 * 480)
    expected = math.log10(exact.numerator) - math.log10(exact.denominator)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("matches", "agreeing"), [(0, 0), (1, 1), (3, 3), (500, 0), (500, 3)])
def test_three_matches_and_fewer_are_no_evidence(matches: int, agreeing: int) -> None:
    assert log10_false_alarms(num_matches=matches, num_agreeing=agreeing, radius_px=8, area_px=640 * 480) >= 0


def test_more_agreement_is_better_evidence_and_more_matches_are_worse() -> None:
    def alarms(matches: int, agreeing: int, radius_px: float = 8) -> float:
        return log10_false_alarms(num_matches=matches, num_agreeing=agreeing, radius_px=radius_px, area_px=640 * 480)

    assert np.all(np.diff([alarms(200, agreeing) for agreeing in range(5, 200)]) < 0)
    assert np.all(np.diff([alarms(matches, 20) for matches in range(20, 400)]) > 0)
    assert alarms(200, 20, 4) < alarms(200, 20, 8)
    assert alarms(200, 20, 1e6) > 0


def test_random_matches_agree_about_as_often_as_is_said() -> None:
    """With a fixed pose in place of three fixing matches, the count of chance agreements is binomial."""
    generator = np.random.default_rng(0)
    share = np.pi * 60**2 / (640 * 480)
    hits = generator.binomial(40, share, 200_000)
    for agreeing in (4, 6, 8):
        seldom = float(np.mean(hits >= agreeing))
        log10_said = log10_false_alarms(num_matches=43, num_agreeing=agreeing + 3, radius_px=60, area_px=640 * 480)
        assert math.log10(seldom) < log10_said, "the criterion must bound the chance from above"


@pytest.mark.parametrize(
    ("keypoints", "cells"),
    [
        (np.empty((0, 2)), 0),
        (np.array([[0.0, 0.0]]), 1),
        (np.array([[-0.5, -0.5], [79.4, 59.4]]), 1),
        (np.array([[79.4, 0], [79.6, 0]]), 2),
        (np.array([[639.5, 479.5], [639.0, 479.0], [1e9, 1e9]]), 1),
        (np.stack(np.meshgrid(np.arange(640), np.arange(480)), axis=-1).reshape(-1, 2), 64),
    ],
)
def test_spread_counts_cells(keypoints: np.ndarray, cells: int) -> None:
    assert spread(keypoints, CAMERA) == cells / 64
