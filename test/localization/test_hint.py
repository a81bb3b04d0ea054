# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.localization.frames import BasePose
from sfd2_ros.localization.gates import GatesConfig
from sfd2_ros.localization.hint import PlaceHint

LIMIT = GatesConfig().max_hint_deviations
RVIZ = np.array([0.25, 0.25, 0.0, 0.0, 0.0, 0.0685])


def pose(x: float, y: float, z: float = 0.0, yaw: float = 0.0, variance: float = 0.0) -> BasePose:
    return BasePose(rigid(rotation_from_vector([0, 0, yaw]), [x, y, z]), np.eye(6) * variance)


def test_hint_is_contradicted_beyond_three_deviations_along_an_axis() -> None:
    hint = PlaceHint(pose(10, 20).map_from_base, RVIZ)
    assert hint.deviations(pose(11.4, 20)) <= LIMIT
    assert hint.deviations(pose(11.6, 20)) > LIMIT
    assert hint.deviations(pose(10, 18.4)) > LIMIT


def test_hint_is_contradicted_by_another_heading() -> None:
    hint = PlaceHint(pose(0, 0, yaw=3.0).map_from_base, RVIZ)
    assert hint.deviations(pose(0, 0, yaw=-3.0)) <= LIMIT  # 0.28 rad across half a turn
    assert hint.deviations(pose(0, 0, yaw=0.0)) > LIMIT


def test_axes_without_variance_are_not_judged() -> None:
    assert PlaceHint(pose(0, 0).map_from_base, RVIZ).deviations(pose(0, 0, z=50)) <= LIMIT


def test_unsure_measurement_is_given_its_own_uncertainty() -> None:
    hint = PlaceHint(pose(0, 0).map_from_base, RVIZ)
    assert hint.deviations(pose(2, 0)) == pytest.approx(4.0)
    assert hint.deviations(pose(2, 0, variance=0.75)) == pytest.approx(2.0)


@pytest.mark.parametrize("variances", [np.zeros(6), np.array([-1.0, 1, 1, 1, 1, 1]), np.array([np.nan, 1, 1, 1, 1, 1])])
def test_hint_that_does_not_say_how_sure_it_is_is_refused(variances: np.ndarray) -> None:
    with pytest.raises(ValueError, match="variances of the hint"):
        PlaceHint(np.eye(4), variances)
