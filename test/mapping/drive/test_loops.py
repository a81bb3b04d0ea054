# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which pairs of images are compared, and which loops can be right before any optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.point_town import point_town, round_block

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.mapping.drive.config import DriveConfig
from sfd2_ros.mapping.drive.loops import candidate_pairs, judged_loops
from sfd2_ros.mapping.drive.odometry import RelativePose, odometry_steps

if TYPE_CHECKING:
    from support.point_town import PointTown


def _loop(town: PointTown, first: int, second: int, error: object = None) -> RelativePose:
    shift = np.eye(4) if error is None else error
    return RelativePose(first, second, inverse(town.truth[first]) @ town.truth[second] @ shift, 0.1, 0.01, 50)


def _odometry(town: PointTown) -> list[np.ndarray]:
    return [one.odom_from_base for one in town.drive.keyframes]


def test_loops_that_odometry_can_have_missed_and_that_confirm_each_other_are_kept(short_town: PointTown) -> None:
    last = len(short_town.truth) - 1
    found = [_loop(short_town, 2, last - 1), _loop(short_town, 3, last)]
    judged = judged_loops(short_town.drive, found, _odometry(short_town), DriveConfig())
    assert [loop.rejected for loop in judged] == ["", ""]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (rigid(np.eye(3), [40.0, 0, 0]), "odometry misses it by .* m on a way of"),
        (rigid(rotation_from_vector([0, 0, 1.5]), [0, 0, 0]), "odometry misses it by 8[0-9] degrees"),
    ],
)
def test_loops_between_places_that_look_alike_are_rejected_by_what_odometry_can_drift(
    short_town: PointTown, error: object, says: str
) -> None:
    wrong = [_loop(short_town, 5 + k, 30 + k, error) for k in range(3)]
    judged = judged_loops(short_town.drive, wrong, _odometry(short_town), DriveConfig())
    assert len(judged) == 3
    for loop in judged:
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(loop.rejected)


def test_loops_that_odometry_alone_could_have_missed_are_rejected_where_images_leave_no_such_drift_open() -> None:
    truth = round_block(80, 2.0, laps=0.8)
    town = point_town(truth, truth, points_per_m=0.1)
    twins = [_loop(town, 2 + k, 100 + k, rigid(rotation_from_vector([0, 0, 0.2]), [20.0, 15.0, 0])) for k in range(4)]
    by_odometry = judged_loops(town.drive, twins, _odometry(town), DriveConfig())
    assert [loop.rejected for loop in by_odometry] == [""] * 4
    sure = np.tile(np.diag([0.2**2] * 3 + [0.003**2] * 3), (len(truth), 1, 1))
    by_images = judged_loops(town.drive, twins, _odometry(town), DriveConfig(), sure)
    assert all(
        loop.rejected.startswith("odometry misses it by 25.0 m on a way of 196 m, at most 14") for loop in by_images
    )
    turned = [_loop(town, 2 + k, 100 + k, rigid(rotation_from_vector([0, 0, 0.2]), [0.0, 0, 0])) for k in range(4)]
    turned = judged_loops(town.drive, turned, _odometry(town), DriveConfig(), sure)
    assert all(loop.rejected.startswith("odometry misses it by 11 degrees") for loop in turned)


def test_a_loop_that_none_beside_it_confirms_is_rejected(short_town: PointTown) -> None:
    last = len(short_town.truth) - 1
    found = [_loop(short_town, 2, last - 1), _loop(short_town, 3, last, rigid(np.eye(3), [1.5, 0, 0]))]
    judged = judged_loops(short_town.drive, found, _odometry(short_town), DriveConfig())
    assert [loop.rejected for loop in judged] == ["no loop beside it agrees"] * 2


def test_neighbours_are_of_one_camera_and_others_are_far_in_way_and_look_alike(short_town: PointTown) -> None:
    drive, config = short_town.drive, DriveConfig(neighbours=2, similar_per_image=3)
    looks = np.random.default_rng(0).normal(size=(len(drive.images), 16)).astype(np.float32)
    near, alike = candidate_pairs(drive, looks, config)
    images = drive.images
    assert all(images[i][1] == images[j][1] and 0 < images[j][0] - images[i][0] <= 2 for i, j in near)
    assert len(near) == 3 * (2 * (len(drive.keyframes) - 2) + 1)
    way = [one.travelled_m for one in drive.keyframes]
    assert all(abs(way[images[j][0]] - way[images[i][0]]) >= config.apart_m for i, j in alike)
    assert len(images) <= len(alike) <= 3 * len(images)
    assert not set(near) & set(alike)


def test_a_step_of_odometry_is_as_exact_as_its_length_says(short_town: PointTown) -> None:
    (first, *_) = odometry_steps(short_town.drive, DriveConfig(odometry_share=0.05))
    length = short_town.drive.keyframes[1].travelled_m
    assert first.sigma_m == pytest.approx(0.05 * length, rel=0.01)
