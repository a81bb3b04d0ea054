# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Three robots in one ROS domain: two on a common /tf with frames of their own, one with /tf in its namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_robots_in_one_domain_neither_hear_nor_move_each_other(
    start_namespaced: Callable[..., Any], random_place: Any
) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.bags.read_poses import matrix_from_transform
    from sfd2_ros.ros.qos import reliable

    connects = [
        start_namespaced("robot1", frames="robot1/body"),
        start_namespaced("robot2", frames="robot2/body"),
        # The third one has the first one's frame names: only its own TF keeps them apart.
        start_namespaced("robot3", frames="robot1/body", has_own_tf=True),
    ]
    robots = [connect() for connect in connects]
    arrays = robots[0].probe.listen(DiagnosticArray, "/diagnostics", reliable(100))
    truths = []
    for number, robot in enumerate(robots):
        image = random_place.images[2 * number]
        robot.odom_from_base = rigid(np.eye(3), [10.0 * number, 0, 0]) @ robot.odom_from_base
        _localized(robot, random_place.features[2 * number], image.camera)
        truths.append(inverse(image.cam_from_world) @ inverse(robot.base_from_cam) @ inverse(robot.odom_from_base))
    for robot, truth in zip(robots, truths, strict=True):
        edges = [each for each in robot.broadcasts("map") if each.child_frame_id == f"{robot.frames}_odom"]
        for edge in edges:
            np.testing.assert_allclose(matrix_from_transform(edge.transform), truth, atol=0.05)
        assert edges
        assert len(robot.statuses) == sum(each.status == "localized" for each in robot.statuses) + robot.rejected
        assert "another node broadcasts" not in robot.process.output()
    assert {each.child_frame_id for each in robots[0].broadcasts("map")} == {
        "robot1/body_odom",
        "robot2/body_odom",
    }
    names = {f"robot{number}/localizer: localization" for number in (1, 2, 3)}
    robots[0].probe.until(lambda: names <= {status.name for array in arrays for status in array.status})
    assert {status.name for array in arrays for status in array.status} == names


def _localized(robot: Any, features: Any, camera: Any) -> None:
    """Send frames until one is localized; the first transforms may be late on a busy machine."""
    robot.rejected = 0

    def is_localized() -> bool:
        stamp_ns = robot.probe.now_ns()
        robot.odometry_around(stamp_ns, robot.odom_from_base)
        robot.send_features(features, camera, stamp_ns)
        status = robot.status_at(stamp_ns)
        robot.rejected += status.status != "localized"
        assert status.status in ("localized", "no_transform"), status.reason
        return bool(status.status == "localized")

    robot.probe.until(is_localized, 60.0)
    robot.probe.until(lambda: robot.broadcasts("map"))
