# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NEES: right covariances are found right, those that are too small or too large are not."""

from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.evaluation.consistency import consistency, nees

TRUTH = rigid(rotation_from_vector([0.3, -0.2, 1.0]), [5.0, 2.0, -1.0])


def drawn(scale: float, count: int = 200) -> list[float]:
    """Return the NEES of poses that err by a covariance, told to be `scale` times as large."""
    generator = np.random.default_rng(0)
    root = np.tril(generator.normal(size=(6, 6))) * 0.01
    values = []
    for _ in range(count):
        error = root @ generator.normal(size=6)
        pose = rigid(rotation_from_vector(error[3:]) @ TRUTH[:3, :3], TRUTH[:3, 3] + error[:3])
        values.append(nees(pose, scale * root @ root.T, TRUTH))
    return values


@pytest.mark.parametrize(("scale", "within"), [(1.0, True), (0.7, False), (1.4, False)])
def test_only_right_covariances_are_within_their_bounds(scale: float, within: object) -> None:
    found = consistency(drawn(scale))
    assert found.is_within is within
    assert found.mean_nees == pytest.approx(6 / scale, rel=0.1)


def test_the_right_one_has_its_share_and_median() -> None:
    found = consistency(drawn(1.0, 1000))
    assert found.share_within == pytest.approx(0.95, abs=0.02)
    assert found.median_nees == pytest.approx(5.35, abs=0.3)
    assert found.bounds[0] < 6 < found.bounds[1]


def test_fewer_poses_have_wider_bounds() -> None:
    few, many = consistency([6.0] * 5), consistency([6.0] * 500)
    assert few.bounds[0] < many.bounds[0] < many.bounds[1] < few.bounds[1]


def test_nothing_localized_is_no_consistency() -> None:
    with pytest.raises(ValueError, match="no pose was localized"):
        consistency([])


def test_errors_that_a_right_covariance_has_once_in_a_thousand_are_counted() -> None:
    assert consistency([6.0, 22.4, 22.5, 41.2]).beyond_999 == 2
    assert consistency([6.0]).beyond_999 == 0
