# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores on synthetic truth, a wrong, a missing and a foreign pose among it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.evaluation import THRESHOLDS, pose_error, score_poses

REFERENCE = {
    f"{i}.jpg": inverse(rigid(rotation_from_vector([0.1 * i, 0.5, -0.2 * i]), [10 * i, -3, 2])) for i in range(10)
}


def _moved(name: str, metres: float, degrees: float) -> np.ndarray:
    """Return a reference pose whose camera was moved and turned on the spot."""
    pose = inverse(REFERENCE[name])
    axis = np.array([0.6, 0.0, 0.8])
    pose[:3, 3] += metres * np.array([0.0, -0.8, 0.6])
    pose[:3, :3] = rotation_from_vector(np.radians(degrees) * axis) @ pose[:3, :3]
    return inverse(pose)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 0.01, 30.0, 179.9, 180.0])
@pytest.mark.parametrize("metres", [0.0, 1e-9, 0.25, 1e4])
def test_errors_are_those_that_were_made(metres: float, degrees: float) -> None:
    found = pose_error(_moved("3.jpg", metres, degrees), REFERENCE["3.jpg"])
    assert found == pytest.approx((metres, degrees), rel=1e-7, abs=1e-8)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-100, 100)] * 3))
def test_errors_do_not_depend_on_the_frame_of_the_map(turn: tuple[float, ...], shift: tuple[float, ...]) -> None:
    map_from_other = rigid(rotation_from_vector(turn), shift)
    one, two = _moved("1.jpg", 0.3, 4.0), REFERENCE["1.jpg"]
    assert pose_error(one @ map_from_other, two @ map_from_other) == pytest.approx(pose_error(one, two), abs=1e-6)
    assert pose_error(two, one) == pytest.approx(pose_error(one, two))


def test_perfect_poses_score_perfectly() -> None:
    scores = score_poses(REFERENCE, REFERENCE)
    assert scores.recall == (1.0, 1.0, 1.0)
    assert (scores.queries, scores.localized, scores.false_accepts, scores.foreign) == (10, 10, 0, 0)
    assert scores.median_position_m == pytest.approx(0, abs=1e-9)
    assert scores.median_rotation_deg == pytest.approx(0, abs=1e-6)


def test_a_wrong_a_missing_and_a_foreign_pose_count_each_where_they_belong() -> None:
    estimated = {name: _moved(name, 0.1, 1.0) for name in list(REFERENCE)[:6]}  # high precision
    estimated["6.jpg"] = _moved("6.jpg", 0.3, 1.0)  # medium, by position
    estimated["7.jpg"] = _moved("7.jpg", 0.1, 8.0)  # coarse, by rotation
    estimated["8.jpg"] = _moved("8.jpg", 6.0, 0.0)  # wrong; 9.jpg is missing
    estimated["foreign.jpg"] = np.eye(4)  # should have been refused
    estimated["stranger.jpg"] = np.eye(4)  # nobody asked for it
    scores = score_poses(estimated, REFERENCE, foreign=["foreign.jpg", "refused.jpg"])
    assert scores.queries == 10
    assert scores.localized == 9
    assert scores.recall == (0.6, 0.7, 0.8)
    assert scores.false_accepts == 2
    assert scores.foreign == 2
    assert scores.median_position_m == pytest.approx(0.1)
    assert scores.median_rotation_deg == pytest.approx(1.0, abs=1e-6)


def test_both_limits_must_be_met() -> None:
    far_but_straight, near_but_turned = _moved("0.jpg", 0.4, 0.0), _moved("0.jpg", 0.0, 4.0)
    reference = {"0.jpg": REFERENCE["0.jpg"]}
    for pose in (far_but_straight, near_but_turned):
        assert score_poses({"0.jpg": pose}, reference).recall == (0.0, 1.0, 1.0)


def test_limits_themselves_are_within() -> None:
    reference = {"0.jpg": np.eye(4)}
    poses = [rigid(np.eye(3), [metres, 0, 0]) for metres, _ in THRESHOLDS]
    assert [score_poses({"0.jpg": pose}, reference).recall for pose in poses] == [
        (1.0, 1.0, 1.0),
        (0.0, 1.0, 1.0),
        (0.0, 0.0, 1.0),
    ]
    assert THRESHOLDS == ((0.25, 2.0), (0.5, 5.0), (5.0, 10.0))


def test_nothing_localized_has_no_medians() -> None:
    scores = score_poses({}, REFERENCE, foreign=["x"])
    assert scores.recall == (0.0, 0.0, 0.0)
    assert scores.median_position_m is scores.median_rotation_deg is None
    assert scores.false_accepts == 0


def test_no_queries_are_no_division_by_zero() -> None:
    scores = score_poses({"a": np.eye(4)}, {}, foreign=["a"])
    assert scores.recall == (0.0, 0.0, 0.0)
    assert (scores.queries, scores.localized, scores.false_accepts) == (0, 0, 1)


def test_poses_that_are_not_finite_are_never_within() -> None:
    scores = score_poses({"0.jpg": np.full((4, 4), np.nan)}, {"0.jpg": np.eye(4)})
    assert scores.recall == (0.0, 0.0, 0.0)
    assert scores.false_accepts == 1
