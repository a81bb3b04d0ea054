# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""localizer_node with fusion: it broadcasts the core's answer to what it measured, and begins anew when it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization import GatesConfig, PoseFusion
from sfd2_ros.localization.frames import BasePose

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
BASE_FROM_CAM = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.5, 0.1, 1.2])


def base_at(number: float) -> np.ndarray:
    """Return the true map_from_base of a frame."""
    cam = rigid(rotation_from_vector([0.02, 0.01 * number, 0.0]), [0.15 * number - 1, 0.1, 0.05 * number])
    return cam @ inverse(BASE_FROM_CAM)


class Listener:
    """Drives a robot through the place of random points, and puts together what is told of one stamp."""

    def __init__(self, robot: Any, place: Any) -> None:
        from geometry_msgs.msg import PoseWithCovarianceStamped

        from sfd2_ros.ros.qos import reliable

        self.robot, self.place = robot, place
        self.fused = robot.probe.listen(PoseWithCovarianceStamped, f"{robot.name}/fused_pose", reliable())
        robot.probe.until(lambda: robot.probe.node.count_publishers(f"{robot.name}/fused_pose") > 0)

    def odometry(self, number: float) -> np.ndarray:
        """Return odometry of a frame, which is two per cent too long."""
        moved = inverse(base_at(0)) @ base_at(number)
        moved[:3, 3] *= 1.02
        odom: np.ndarray = self.robot.odom_from_base @ moved
        return odom

    def go(self, number: float, *, at: float | None = None) -> tuple[Any, int]:
        """Send frame `number` of odometry, seen from `at`; return its status and stamp."""
        probe = self.robot.probe
        probe.handle_for(0.06)
        stamp_ns = probe.now_ns()
        self.robot.odometry_around(stamp_ns, self.odometry(number))
        seen = self.place.view(inverse(base_at(number if at is None else at) @ BASE_FROM_CAM), seed=int(10 * number))
        self.robot.send_features(seen, self.place.camera, stamp_ns)
        return self.robot.status_at(stamp_ns), stamp_ns

    def told(self, stamp_ns: int) -> tuple[BasePose, BasePose, np.ndarray]:
        """Return the measured pose of a stamp, the fused one, and map_from_odom."""
        from sfd2_ros.bags.read_poses import matrix_from_pose, matrix_from_transform
        from sfd2_ros.bags.read_poses import stamp_ns as ns

        def at(messages: list[Any], wanted_ns: int) -> Any:
            return self.robot.probe.until(lambda: next((m for m in messages if ns(m.header.stamp) == wanted_ns), None))

        def pose(message: Any) -> BasePose:
            return BasePose(matrix_from_pose(message.pose.pose), np.reshape(message.pose.covariance, (6, 6)))

        name, tolerance_ns = self.robot.name, 1_000_000_000
        self.robot.probe.until(lambda: any(ns(e.header.stamp) == stamp_ns + tolerance_ns for e in self.edges()))
        edge = at(self.edges(), stamp_ns + tolerance_ns)
        assert edge.child_frame_id == f"{name}_odom"
        measured, fused = at(self.robot.poses, stamp_ns), at(self.fused, stamp_ns)
        return pose(measured), pose(fused), matrix_from_transform(edge.transform)

    def edges(self) -> list[Any]:
        edges: list[Any] = self.robot.broadcasts(f"{self.robot.name}_map")
        return edges


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, atol=1e-6))


def test_what_is_broadcast_is_what_the_filter_says_to_the_measured_poses(make_walker: Any, random_place: Any) -> None:
    """The node against the filter on the same poses; a refused frame moves nothing; who was carried off is followed."""
    from sfd2_ros.srv import Relocalize

    drive = Listener(make_walker("smooth", transform_timeout_s=10.0, **{"fusion.enabled": True}), random_place)
    core, max_jump = PoseFusion(), GatesConfig().max_jump
    anew, differ = [], 0
    for number in range(5):
        status, stamp_ns = drive.go(number)
        assert status.status == "localized", status.reason
        measured, fused, map_from_odom = drive.told(stamp_ns)
        expected = core.fuse(stamp_ns, measured, drive.odometry(number), max_jump=max_jump)
        assert close(fused.map_from_base, expected.base.map_from_base)
        np.testing.assert_allclose(fused.covariance, expected.base.covariance, rtol=1e-3, atol=1e-9)
        assert close(map_from_odom, expected.map_from_odom)
        differ += not close(fused.map_from_base, measured.map_from_base)
        anew.append(expected.is_new)
    assert (anew, differ) == ([True, False, False, False, False], 4)
    num_edges = len(drive.edges())
    refused, _ = drive.go(5, at=12)
    assert refused.status == "implausible_jump"
    found, stamp_ns = drive.go(6, at=13)
    assert found.status == "localized", found.reason
    measured, fused, map_from_odom = drive.told(stamp_ns)
    assert len(drive.edges()) == num_edges + 1, "nothing is broadcast of a refused frame"
    assert close(fused.map_from_base, measured.map_from_base)
    assert close(map_from_odom @ drive.odometry(6), measured.map_from_base)
    assert core.fuse(stamp_ns, measured, drive.odometry(6), max_jump=max_jump).is_new

    _, stamp_ns = drive.go(7, at=14)
    measured, fused, _ = drive.told(stamp_ns)
    assert not close(fused.map_from_base, measured.map_from_base)
    assert drive.robot.probe.call(Relocalize, "smooth/relocalize", Relocalize.Request()).success
    status, stamp_ns = drive.go(8, at=15)
    assert status.status == "localized", status.reason
    measured, fused, _ = drive.told(stamp_ns)
    assert close(fused.map_from_base, measured.map_from_base), "what was known before ~/relocalize is forgotten"


def test_fusion_of_a_robot_without_odometry_ends_the_node(start_node: Any, random_place: Any) -> None:
    node = start_node(
        "localizer_node",
        "lone",
        **{"map": str(random_place.map_folder), "publish": "map_to_base", "fusion.enabled": True},
    )
    assert node.wait(60.0) == 2
    assert "'fusion.enabled' is True and 'publish' is 'map_to_base'" in node.output()
