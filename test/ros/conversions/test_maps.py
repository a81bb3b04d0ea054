# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import rigid, rotation_from_vector

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_lines_of_sight_join_each_landmark_to_the_camera_that_looks_at_it() -> None:
    from std_msgs.msg import Header

    from sfd2_ros.ros.conversions.maps import matches_marker

    ahead = rigid(np.eye(3), [1, 0, 0])
    behind = rigid(rotation_from_vector([0, np.pi, 0]), [-1, 0, 0])
    landmarks = np.array([[0, 0, 5.0], [0.5, 1, -4.0]])
    marker = matches_marker(Header(), [ahead, behind], landmarks, 0.01)
    points = np.array([[point.x, point.y, point.z] for point in marker.points])
    np.testing.assert_allclose(points, [[1, 0, 0], landmarks[0], [-1, 0, 0], landmarks[1]])
    assert len(matches_marker(Header(), [ahead], np.empty((0, 3)), 0.01).points) == 0
