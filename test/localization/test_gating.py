# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Accepting and refusing: chance against exact arithmetic, spread, and the order of reasons."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.types import Camera, Evidence, Status
from sfd2_ros.geometry.grid import spread
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.gating import judge, log10_false_alarms, worst_deviations

CAMERA = Camera(640, 480, 500, 500, 319.5, 239.5)
CONFIG = LocalizerConfig()


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


def test_the_least_certain_axis_counts_whatever_its_direction() -> None:
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ np.diag([0.01, 0.04, 0.25]) @ turn.T
    covariance[3:, 3:] = turn @ np.diag([1e-4, 4e-4, 1e-6]) @ turn.T
    assert worst_deviations(covariance) == pytest.approx((0.5, 0.02))
    assert worst_deviations(np.zeros((6, 6))) == (0, 0)


GOOD = Evidence(
    num_keypoints=500,
    num_matches=100,
    num_inliers=60,
    reprojection_error_px=1.2,
    spread=0.4,
    log10_false_alarms=-80,
    agreement=0.8,
)


@pytest.mark.parametrize(
    ("changes", "covariance", "status", "said"),
    [
        ({}, np.eye(6) * 1e-4, Status.LOCALIZED, "60 of 100 matches agree within 1.20 px"),
        ({"num_inliers": 11}, np.eye(6) * 1e-4, Status.FEW_INLIERS, "11 of 100 matches agree, 12 are needed"),
        ({"log10_false_alarms": -7.9}, np.eye(6) * 1e-4, Status.CHANCE_AGREEMENT, "10^-8 times"),
        ({"log10_false_alarms": math.nan}, np.eye(6) * 1e-4, Status.CHANCE_AGREEMENT, "60 of 100"),
        (
            {"agreement": 0.06},
            np.eye(6) * 1e-4,
            Status.CHANCE_AGREEMENT,
            "0.06 a match, as a logarithm; 0.25 is needed",
        ),
        ({"agreement": math.nan}, np.eye(6) * 1e-4, Status.CHANCE_AGREEMENT, "nan a match"),
        ({"spread": 0.03}, np.eye(6) * 1e-4, Status.POOR_SPREAD, "3% of the image, 6% are needed"),
        ({}, None, Status.UNCERTAIN_POSE, "do not determine the pose"),
        ({}, np.eye(6) * 1.1, Status.UNCERTAIN_POSE, "position is uncertain by 1.05 m, 1.00 m is allowed"),
        ({}, np.eye(6) * 0.02, Status.UNCERTAIN_POSE, "rotation is uncertain by 0.141 rad"),
    ],
)
def test_each_reason_refuses_with_its_numbers(
    changes: dict[str, Any], covariance: Any, status: Status, said: str
) -> None:
    found, reason = judge(replace(GOOD, **changes), covariance, CONFIG, metric=True)
    assert found is status
    assert said in reason


def test_limits_themselves_are_allowed() -> None:
    edge = replace(GOOD, num_inliers=CONFIG.min_inliers, log10_false_alarms=CONFIG.max_log10_false_alarms, spread=0.06)
    edge = replace(edge, agreement=CONFIG.min_agreement)
    assert judge(edge, np.eye(6) * 1e-4, CONFIG, metric=True)[0] is Status.LOCALIZED


def test_a_map_without_a_scale_is_not_judged_in_metres() -> None:
    wide = np.diag([1e6, 1e6, 1e6, 1e-4, 1e-4, 1e-4])
    assert judge(GOOD, wide, CONFIG, metric=True)[0] is Status.UNCERTAIN_POSE
    assert judge(GOOD, wide, CONFIG, metric=False)[0] is Status.LOCALIZED


def test_what_cannot_be_judged_is_never_accepted() -> None:
    spoilt = replace(GOOD, log10_false_alarms=math.nan, spread=math.nan)
    assert judge(spoilt, np.eye(6) * 1e-4, CONFIG, metric=True)[0] is not Status.LOCALIZED
    assert judge(replace(GOOD, spread=math.nan), np.eye(6) * 1e-4, CONFIG, metric=True)[0] is Status.POOR_SPREAD
    undefined = np.full((6, 6), np.nan)
    assert judge(GOOD, undefined, CONFIG, metric=True)[0] is Status.UNCERTAIN_POSE
