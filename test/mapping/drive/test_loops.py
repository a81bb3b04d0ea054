# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which pairs of images are compared, and which loops can be right before any optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

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
