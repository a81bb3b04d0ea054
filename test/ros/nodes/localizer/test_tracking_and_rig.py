# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""localizer_node over a drive: tracked, shown another place, carried off; and with two cameras, one dropping out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Features

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
UNINITIALIZED, RELOCALIZING, TRACKING, LOST = range(4)
BASE_FROM_CAM = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.5, 0.1, 1.2])
BASE_FROM_RIGHT = BASE_FROM_CAM @ rigid(rotation_from_vector([0, 0.15, 0]), [0.5, 0.0, 0.0])
MS = 1_000_000


def base_at(number: float) -> np.ndarray:
    """Return the true map_from_base of a frame."""
    cam = rigid(rotation_from_vector([0.02, 0.01 * number, 0.0]), [0.15 * number - 1, 0.1, 0.05 * number])
    return cam @ inverse(BASE_FROM_CAM)


class Drive:
    """Drives a robot of the tests through the place of random points; `at` is where it really is."""

    def __init__(self, robot: Any, place: Any) -> None:
        self.robot, self.place = robot, place

    def odometry(self, number: float) -> int:
        """Wait until odometry of this frame does not mix with that of the last one, send it, and return the stamp."""
        probe = self.robot.probe
        probe.handle_for(0.06)
        stamp_ns = probe.now_ns()
        self.robot.odometry_around(stamp_ns, self.robot.odom_from_base @ inverse(base_at(0)) @ base_at(number))
        return int(stamp_ns)

    def seen(self, number: float, mount: np.ndarray = BASE_FROM_CAM) -> Features:
        features: Features = self.place.view(inverse(base_at(number) @ mount), seed=int(10 * number))
        return features

    def go(self, number: float, *, at: float | None = None, features: Features | None = None) -> Any:
        stamp_ns = self.odometry(number)
        shown = self.seen(number if at is None else at) if features is None else features
        self.robot.send_features(shown, self.place.camera, stamp_ns)
        return self.robot.status_at(stamp_ns)

    def told(self) -> np.ndarray:
        """Return the last pose of the base that was published."""
        from sfd2_ros.bags.read_poses import matrix_from_pose

        pose: np.ndarray = matrix_from_pose(self.robot.poses[-1].pose.pose)
        return pose


def off_m(drive: Drive, number: float) -> float:
    return float(np.linalg.norm(drive.told()[:3, 3] - base_at(number)[:3, 3]))


def foreign() -> Features:
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(600, 64)).astype(np.float32)
    ones = np.ones(600, np.float32)
    pixels = generator.uniform([0, 0], [639, 479], (600, 2)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Features(pixels, ones, ones, unit, (480, 640), "random-64d")


def test_drive_is_tracked_another_place_refused_and_a_kidnapped_robot_found(
    make_walker: Any, random_place: Any
) -> None:
    drive = Drive(make_walker("walker"), random_place)
    statuses = [drive.go(number) for number in range(4)]
    assert [(one.status, one.state, one.method) for one in statuses] == [
        ("localized", TRACKING, "searched"),
        *[("localized", TRACKING, "tracked")] * 3,
    ]
    assert np.isnan(statuses[0].jump)
    assert all(0 <= one.jump < 30 for one in statuses[1:])
    drive.robot.probe.until(lambda: len(drive.robot.poses) == 4)
    assert off_m(drive, 3) < 0.1
    lost = drive.go(4, features=foreign())
    assert (lost.status != "localized", lost.state) == (True, LOST)
    assert "near the predicted pose" in lost.reason
    assert drive.go(5).state == TRACKING
    carried = drive.go(6, at=12)
    assert (carried.status, carried.state) == ("implausible_jump", RELOCALIZING)
    found = drive.go(7, at=13)
    assert (found.status, found.state) == ("localized", TRACKING)
    drive.robot.probe.until(lambda: len(drive.robot.poses) == 6)
    assert off_m(drive, 13) < 0.1
    steps = [dict(zip(one.step_names, one.step_seconds, strict=True)) for one in (carried, found)]
    processing = sum(one[name] for one in steps for name in ("retrieve", "match", "pose") if name in one)
    assert 0 < processing < 1.0, "recovered within a second of processing"


def test_rig_goes_on_when_a_camera_drops_out_and_takes_it_back(make_walker: Any, random_place: Any) -> None:
    from sfd2_ros.msg import LocalFeatures

    from sfd2_ros.ros.conversions.features import message_from_features
    from sfd2_ros.ros.conversions.poses import header_at
    from sfd2_ros.ros.qos import newest_only

    robot = make_walker("pair", cameras=["pair", "pair_right"], sync_wait_s=0.3)
    drive, probe = Drive(robot, random_place), robot.probe
    right = probe.node.create_publisher(LocalFeatures, "pair_right/features", newest_only("reliable"))
    robot.send_transform("pair_base", "pair_right_cam", BASE_FROM_RIGHT, probe.now_ns(), static=True)
    probe.until(lambda: right.get_subscription_count() > 0)

    def both(number: float, *, has_right: bool = True) -> Any:
        stamp_ns = drive.odometry(number)
        if has_right:  # taken 4 ms later, from where the robot is by then: 0.2 m on by odometry
            later = base_at(number) @ rigid(np.eye(3), [0.2, 0, 0]) @ BASE_FROM_RIGHT
            features = random_place.view(inverse(later), seed=int(number) + 50)
            header = header_at(stamp_ns + 4 * MS, "pair_right_cam")
            right.publish(message_from_features(features, random_place.camera, header))
        robot.send_features(drive.seen(number), random_place.camera, stamp_ns)
        return robot.status_at(stamp_ns)

    frames = []
    for number, has_right in enumerate([True, True, False, False, True]):
        status = both(number, has_right=has_right)
        assert status.status == "localized", status.reason
        probe.until(lambda wanted=number + 1: len(robot.poses) == wanted)
        assert off_m(drive, number) < 0.1
        frames.append(list(status.camera_frames))
    pair, alone = ["pair_cam", "pair_right_cam"], ["pair_cam"]
    assert frames == [pair, pair, alone, alone, pair]
    assert {status.camera_frame for status in robot.statuses} == {"pair_cam"}
