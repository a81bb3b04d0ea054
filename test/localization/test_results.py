# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A result is one of two kinds, and neither can be made wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization import Localized, Rejected


def test_a_localized_result_has_the_pose_and_the_status() -> None:
    pose = Localized(
        np.eye(4), np.eye(6), Evidence(num_matches=90, num_guided=80, num_inliers=60, reprojection_error_px=1)
    )
    assert (pose.status, pose.is_localized) == (Status.LOCALIZED, True)
    assert pose.reason == "60 of 80 matches agree within 1.00 px"
    assert pose.map_from_cam is pose.map_from_base


def test_a_rejection_has_any_status_but_localized() -> None:
    reasons = [status for status in Status if status is not Status.LOCALIZED]
    assert len(reasons) > 10
    for status in reasons:
        assert not Rejected(status, "why", Evidence()).is_localized
    with pytest.raises(ValueError, match="status of a rejection"):
        Rejected(Status.LOCALIZED, "why", Evidence())


@pytest.mark.parametrize(
    ("pose", "covariance"),
    [
        (np.eye(3), np.eye(6)),
        (np.eye(4), np.eye(3)),
        (np.eye(4) * np.nan, np.eye(6)),
        (np.eye(4), np.full((6, 6), np.inf)),
    ],
)
def test_a_pose_of_another_shape_or_without_values_is_rejected(pose: Any, covariance: Any) -> None:
    with pytest.raises(ValueError, match=r"pose|covariance"):
        Localized(pose, covariance, Evidence())
