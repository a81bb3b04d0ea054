# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""localizer_node as a process, over real DDS, with a map of real photographs and features made from others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera

pytestmark = [pytest.mark.ros, pytest.mark.data, pytest.mark.usefixtures("ros")]


def test_nothing_is_said_of_a_pose_before_the_first_fix(
    node: Any, robot: Any, foreign_image: np.ndarray, extractor: Any, query: Any
) -> None:
    features, camera, _ = query
    height, width = foreign_image.shape[:2]
    foreign_camera = Camera(width, height, camera.fx, camera.fy, width / 2, height / 2)
    for _ in range(3):
        status = robot.frame(extractor(foreign_image), foreign_camera)
        assert (status.status, status.state) != ("localized", status.TRACKING)
        assert status.state == status.UNINITIALIZED
        assert status.reason
    robot.probe.until(lambda: "frame rejected (1 so far), " in node.output())
    robot.probe.handle_for(0.5)
    assert robot.broadcasts("robot_map") == []
    assert robot.poses == robot.odometry == robot.paths == []
    # The positive control: the same node, the same robot; its first transforms may be late on a busy machine.
    status = robot.probe.until(
        lambda: next((s for s in [robot.frame(features, camera)] if s.status != "no_transform"), None)
    )
    assert (status.status, status.state) == ("localized", status.TRACKING)
    robot.probe.until(lambda: robot.broadcasts("robot_map"))


def test_transform_and_pose_agree_with_the_truth(robot: Any, query: Any) -> None:
    from sfd2_ros.bags.read_poses import matrix_from_pose, matrix_from_transform, stamp_ns

    features, camera, truth = query
    status = robot.frame(features, camera)
    edge = robot.probe.until(lambda: robot.broadcasts("robot_map"))[-1]
    assert edge.child_frame_id == "robot_odom"
    assert stamp_ns(edge.header.stamp) == stamp_ns(status.header.stamp) + 1_000_000_000  # transform_tolerance_s
    told = matrix_from_transform(edge.transform) @ robot.odom_from_base
    assert np.linalg.norm(told[:3, 3] - truth[:3, 3]) < 0.1
    np.testing.assert_allclose(told[:3, :3], truth[:3, :3], atol=0.01)
    pose = robot.probe.until(lambda: robot.poses)[-1]
    assert pose.header == status.header
    assert pose.header.frame_id == "robot_map"
    np.testing.assert_allclose(matrix_from_pose(pose.pose.pose), told, atol=1e-6)
    covariance = np.reshape(pose.pose.covariance, (6, 6))
    assert np.linalg.eigvalsh(covariance)[0] > 0
    assert status.position_stddev_m == pytest.approx(np.sqrt(np.linalg.eigvalsh(covariance[:3, :3])[-1]), rel=1e-4)
    assert robot.probe.until(lambda: robot.odometry)[-1].child_frame_id == "robot_base"
    assert status.num_inliers >= 12
    assert 0 < status.latency_s < 10
    assert {"transport", "extraction", "hand_over", "transform"} <= set(status.step_names)


def test_frames_as_ros_1_wrote_them_and_a_frame_in_itself_do_no_harm(robot: Any, query: Any) -> None:
    from sfd2_ros.ros.conversions.poses import header_at

    features, camera, _ = query
    stamp_ns = robot.probe.now_ns()
    robot.odometry_around(stamp_ns)
    robot.send_transform("robot_odom", "robot_odom", np.eye(4), stamp_ns)
    robot.send_features(features, camera, stamp_ns, header=header_at(stamp_ns, "/robot_cam"))
    status = robot.status_at(stamp_ns)
    assert status.status == "localized", status.reason


def test_features_of_other_weights_are_refused_and_diagnosed(robot: Any, query: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.ros.qos import reliable

    arrays = robot.probe.listen(DiagnosticArray, "/diagnostics", reliable())
    features, camera, _ = query
    before = len(robot.broadcasts("robot_map"))
    status = robot.frame(features, camera, weights_id="other-weights")
    assert status.status == "wrong_weights"
    assert "other-weights" in status.reason
    assert np.isnan(status.position_stddev_m)
    robot.probe.until(
        lambda: any(
            each.level == b"\x02" and each.name == "robot: localization" and "wrong_weights" in each.message
            for array in arrays
            for each in array.status
        )
    )
    assert len(robot.broadcasts("robot_map")) == before
    assert robot.frame(features, camera).status == "localized"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "bad_image", "reason": "truncated"}, "bad_image"),
        ({"status": "no_camera_info", "reason": "nothing heard"}, "no_camera_info"),
        ({"height": 100}, "no_camera_info"),
        ({"dimension": 64}, "bad_image"),
    ],
)
def test_unusable_frames_are_refused_by_name_and_the_next_one_is_localized(
    robot: Any, query: Any, changes: dict[str, Any], status: str
) -> None:
    features, camera, _ = query
    refused = robot.frame(features, camera, **changes)
    assert (refused.status, bool(refused.reason)) == (status, True)
    assert robot.frame(features, camera).status == "localized"


def test_frame_without_odometry_at_its_stamp_is_refused_and_never_placed_by_an_older_one(
    robot: Any, query: Any
) -> None:
    features, camera, _ = query
    robot.frame(features, camera)
    before = robot.probe.until(lambda: len(robot.broadcasts("robot_map")))
    refused = robot.frame(features, camera, with_odometry=False)
    assert refused.status == "no_transform"
    assert "known until" in refused.reason or "extrapolation" in refused.reason  # our own words, or tf2's
    assert refused.state == refused.LOST
    robot.probe.handle_for(0.3)
    assert len(robot.broadcasts("robot_map")) == before
    assert robot.frame(features, camera).status == "localized"


def test_transform_that_comes_late_is_waited_for(robot: Any, query: Any) -> None:
    features, camera, _ = query
    stamp_ns = robot.probe.now_ns()
    robot.send_features(features, camera, stamp_ns)
    robot.probe.handle_for(0.25)
    robot.odometry_around(stamp_ns)
    status = robot.status_at(stamp_ns)
    waited = dict(zip(status.step_names, status.step_seconds, strict=True))["transform"]
    assert (status.status, waited > 0) == ("localized", True)


def test_hint_rejects_what_contradicts_it_until_it_expires(robot: Any, query: Any) -> None:
    from geometry_msgs.msg import PoseWithCovarianceStamped

    from sfd2_ros.ros.conversions.poses import header_at, pose_message

    features, camera, truth = query
    hint = PoseWithCovarianceStamped(header=header_at(robot.probe.now_ns(), "robot_map"))
    hint.pose.pose = pose_message(truth @ rigid(np.eye(3), [20.0, 0, 0]))
    hint.pose.covariance = np.diag([0.25, 0.25, 0.25, 0, 0, 0]).ravel().tolist()
    robot.hints.publish(hint)
    refused = robot.probe.until(
        lambda: next(
            (
                s
                for s in [robot.frame(features, camera)]
                if s.status == "implausible_jump" and "from the hint" in s.reason
            ),
            None,
        )
    )
    assert refused.state == refused.RELOCALIZING
    robot.probe.until(lambda: robot.frame(features, camera).status == "localized", 10.0)


def test_relocalize_takes_a_hint_and_refuses_one_in_another_frame(robot: Any, query: Any) -> None:
    from geometry_msgs.msg import PoseWithCovarianceStamped
    from sfd2_ros.srv import Relocalize

    from sfd2_ros.ros.conversions.poses import header_at, pose_message

    features, camera, truth = query
    good = PoseWithCovarianceStamped(header=header_at(robot.probe.now_ns(), "robot_map"))
    good.pose.pose = pose_message(truth)
    good.pose.covariance = np.diag([0.25] * 6).ravel().tolist()
    assert robot.probe.call(Relocalize, "robot/relocalize", Relocalize.Request(hint=[good])).success
    assert robot.frame(features, camera).status == "localized"
    good.header.frame_id = "odom"
    answer = robot.probe.call(Relocalize, "robot/relocalize", Relocalize.Request(hint=[good]))
    assert (answer.success, "it must be in the map's" in answer.message) == (False, True)
    assert robot.probe.call(Relocalize, "robot/relocalize", Relocalize.Request()).success
    assert robot.frame(features, camera, weights_id="x").state == 1  # RELOCALIZING
    assert robot.frame(features, camera).state == 2  # TRACKING


def test_load_map_keeps_the_old_map_when_the_new_one_is_damaged(
    robot: Any, query: Any, small_map: Path, tmp_path: Path
) -> None:
    from sensor_msgs.msg import PointCloud2
    from sfd2_ros.srv import LoadMap

    from sfd2_ros.ros.qos import latched

    features, camera, _ = query
    damaged = tmp_path / "damaged"
    shutil.copytree(small_map, damaged)
    (damaged / "landmark_positions.npy").write_bytes(b"nonsense")
    cases = {"": "no map is named", "x" * 300: "too long", str(tmp_path / "nothing"): "does not exist"}
    for path, word in {**cases, str(damaged): "landmark_positions.npy"}.items():
        answer = robot.probe.call(LoadMap, "robot/load_map", LoadMap.Request(path=path))
        assert (answer.success, word in answer.message) == (False, True), answer.message
        assert robot.frame(features, camera).status == "localized"
    clouds = robot.probe.listen(PointCloud2, "robot/map_points", latched())
    robot.probe.until(lambda: clouds)
    copied = tmp_path / "copied"
    shutil.copytree(small_map, copied)
    answer = robot.probe.call(LoadMap, "robot/load_map", LoadMap.Request(path=str(copied)))
    assert answer.success, answer.message
    robot.probe.until(lambda: len(clouds) == 2)
    assert clouds[0].width == clouds[1].width > 100
    assert robot.frame(features, camera).status == "localized"


def test_markers_and_path_are_published_for_who_looks(robot: Any, query: Any) -> None:
    from visualization_msgs.msg import MarkerArray

    from sfd2_ros.ros.qos import reliable

    markers = robot.probe.listen(MarkerArray, "robot/markers", reliable())
    features, camera, _ = query

    def seen() -> bool:
        robot.frame(features, camera)
        return bool(markers and robot.paths)

    robot.probe.until(seen)
    assert {marker.ns for marker in markers[-1].markers} == {"camera", "inliers", "matches"}
    inliers, matches = (next(m for m in markers[-1].markers if m.ns == name) for name in ("inliers", "matches"))
    assert len(matches.points) == 2 * len(inliers.points) > 0
    assert matches.points[1::2] == inliers.points
    assert len(robot.paths[-1].poses) >= 1


def test_robot_without_odometry_gets_map_to_base(make_robot: Any, query: Any) -> None:
    from sfd2_ros.bags.read_poses import matrix_from_transform

    cart = make_robot("cart", publish="map_to_base")
    features, camera, truth = query
    status = cart.frame(features, camera, with_odometry=False)
    assert status.status == "localized", status.reason
    edge = cart.probe.until(lambda: cart.broadcasts("cart_map"))[-1]
    assert edge.child_frame_id == "cart_base"
    assert np.linalg.norm(matrix_from_transform(edge.transform)[:3, 3] - truth[:3, 3]) < 0.1
