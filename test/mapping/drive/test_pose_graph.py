# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pose graph closes right loops and finds out wrong ones, also when these agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.point_town import drifting, round_block

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.mapping.drive.adjustment import PositionPrior
from sfd2_ros.mapping.drive.odometry import RelativePose
from sfd2_ros.mapping.drive.pose_graph import solve_pose_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pose = NDArray[np.float64]


@pytest.fixture(scope="module")
def drive() -> tuple[list[Pose], list[Pose], list[RelativePose]]:
    """Return a lap and a half round a block: the truth, odometry, and its steps."""
    truth = round_block(40, 2.0, laps=1.5)
    odometry = drifting(truth, scale=1.01, deg_per_m=0.03)
    steps = [RelativePose(k, k + 1, inverse(odometry[k]) @ odometry[k + 1], 0.04, 0.004) for k in range(len(truth) - 1)]
    return truth, odometry, steps


def _loop(first: int, second: int, pose: Pose) -> RelativePose:
    return RelativePose(first, second, pose, 0.1, 0.01, 50)


def _right_loops(truth: list[Pose], count: int = 8) -> list[RelativePose]:
    places = np.array([pose[:3, 3] for pose in truth])
    found = []
    for second in range(len(truth) - 1, 0, -3):
        first = int(np.argmin(np.linalg.norm(places[: max(second - 40, 1)] - places[second], axis=1)))
        if np.linalg.norm(places[first] - places[second]) < 8.0:
            found.append(_loop(first, second, inverse(truth[first]) @ truth[second]))
    assert len(found) >= count
    return found[:count]


def _missed(poses: list[Pose], truth: list[Pose]) -> float:
    return float(np.max([np.linalg.norm(a[:3, 3] - b[:3, 3]) for a, b in zip(poses, truth, strict=True)]))


def test_right_loops_are_all_kept_and_halve_the_error(drive: tuple[list[Pose], ...]) -> None:
    truth, odometry, steps = drive
    solved = solve_pose_graph(odometry, steps, _right_loops(truth))
    assert solved.loop_weights.tolist() == [1.0] * 8
    assert _missed(solved.poses, truth) < 0.5 * _missed(odometry, truth)
    np.testing.assert_array_equal(solved.poses[0], odometry[0])


def test_wrong_loops_that_agree_with_each_other_are_found_out(drive: tuple[list[Pose], ...]) -> None:
    truth, odometry, steps = drive
    shift = rigid(rotation_from_vector([0, 0, 1.5]), [9.0, 4.0, 0.0])
    wrong = [_loop(10 + k, 60 + k, inverse(truth[10 + k]) @ truth[60 + k] @ shift) for k in range(5)]
    solved = solve_pose_graph(odometry, steps, [*_right_loops(truth), *wrong])
    assert solved.loop_weights.tolist() == [1.0] * 8 + [0.0] * 5
    assert _missed(solved.poses, truth) < 0.5 * _missed(odometry, truth)


def test_positions_correct_the_drift_and_outliers_among_them_do_not_count(drive: tuple[list[Pose], ...]) -> None:
    truth, odometry, steps = drive
    generator = np.random.default_rng(5)
    positions = [
        PositionPrior(k, truth[k][:3, 3] + generator.normal(0, 0.3, 3), np.eye(3) * 0.09) for k in range(0, 100, 5)
    ]
    positions[7] = PositionPrior(35, truth[35][:3, 3] + [20.0, 5.0, 0.0], np.eye(3) * 0.09)
    solved = solve_pose_graph(odometry, steps, [], positions)
    assert solved.position_weights[7] == 0.0
    assert solved.position_weights.sum() >= len(positions) - 3
    assert np.median([np.linalg.norm(a[:3, 3] - b[:3, 3]) for a, b in zip(solved.poses, truth, strict=True)]) < 0.5


def test_without_anything_doubtful_the_steps_are_chained(drive: tuple[list[Pose], ...]) -> None:
    _, odometry, steps = drive
    solved = solve_pose_graph(odometry, steps, [])
    np.testing.assert_allclose(solved.poses, odometry, atol=1e-6)
