# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""localizer_node under wrong messages, maps, hints and transforms in the place of random points, with controls."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
BASE_FROM_CAM = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.5, 0.1, 1.2])
LEVEL_FROM_PLACE = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.0, 0, 0])
CAM_FROM_MAP = inverse(rigid(np.eye(3), [0.2, 0.1, 0.3]))


@pytest.fixture
def robot(make_walker: Any, request: pytest.FixtureRequest) -> Any:
    """Return a robot of this test alone."""
    return make_walker(f"r{abs(hash(request.node.name)) % 10**8}")


def localized(robot: Any, place: Any, seed: int = 99) -> Any:
    """Send a good frame and return its status, which is the control of each rejection."""
    status = robot.frame(place.view(CAM_FROM_MAP, seed=seed), place.camera)
    assert status.status == "localized", status.reason
    return status


def test_wrong_messages_have_a_status_each_and_the_next_good_one_is_localized(robot: Any, random_place: Any) -> None:
    import array

    features = random_place.view(CAM_FROM_MAP, seed=5)
    count, size = len(features), 64
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"dimension": 32, "descriptors": array.array("b", b"\x01" * (32 * count))}, ""),
        ({"status": "localized"}, "none of feature_node"),
        ({"scores": array.array("f", [0.5] * 70_000)}, "at most 65536"),
        ({"dimension": 60_000}, "of dimension 1024 are allowed"),
        ({"descriptors": array.array("b", bytes(size * count))}, "is zero"),
    ]
    localized(robot, random_place)
    for changes, words in wrong:
        status = robot.frame(features, random_place.camera, **changes)
        assert status.status in {"bad_image", "wrong_weights"}, (changes.keys(), status.status)
        assert words in status.reason
        localized(robot, random_place)


def test_hint_that_is_wrong_is_overruled_by_frames_that_agree(robot: Any, random_place: Any) -> None:
    from geometry_msgs.msg import PoseWithCovarianceStamped

    from sfd2_ros.ros.conversions.poses import header_at, pose_message

    localized(robot, random_place)
    truth = inverse(CAM_FROM_MAP) @ inverse(BASE_FROM_CAM)
    hint = PoseWithCovarianceStamped(header=header_at(robot.probe.now_ns(), f"{robot.name}_map"))
    hint.pose.pose = pose_message(rigid(np.eye(3), [20.0, 0, 0]) @ truth)
    hint.pose.covariance = np.diag([0.25, 0.25, 0, 0, 0, 0.07]).ravel().tolist()
    robot.hints.publish(hint)
    states = []
    for seed in range(20, 32):
        status = robot.frame(random_place.view(CAM_FROM_MAP, seed=seed), random_place.camera)
        states.append((status.status, "hint" in status.reason))
    assert ("implausible_jump", True) in states  # the control: a hint is not ignored
    assert 1 <= states.count(("implausible_jump", True)) <= 4, states
    assert states[-1] == ("localized", False)


def test_relocalize_answers_false_while_the_node_is_inactive_and_true_while_it_is_active(
    robot: Any, random_place: Any
) -> None:
    from lifecycle_msgs.srv import ChangeState
    from sfd2_ros.srv import Relocalize
    from std_srvs.srv import Empty

    localized(robot, random_place)
    name, probe = robot.name, robot.probe
    assert probe.call(Relocalize, f"{name}/relocalize", Relocalize.Request()).success
    for transition in (4, 3):  # deactivate, activate
        request = ChangeState.Request()
        request.transition.id = transition
        assert probe.call(ChangeState, f"{name}/change_state", request).success
        answer = probe.call(Relocalize, f"{name}/relocalize", Relocalize.Request())
        assert (answer.success, "not active" in answer.message) == (transition == 3, transition == 4)
    localized(robot, random_place)

    def is_relocalizing() -> bool:
        # All nodes here have this service; the first one answers, perhaps before the one under test is discovered.
        probe.call(Empty, "reinitialize_global_localization", Empty.Request())
        rejected = robot.frame(random_place.view(CAM_FROM_MAP), random_place.camera, weights_id="other")
        return bool(rejected.state == rejected.RELOCALIZING)

    probe.until(is_relocalizing)


def test_set_initial_pose_of_amcl_is_a_hint(robot: Any, random_place: Any) -> None:
    from geometry_msgs.msg import PoseWithCovarianceStamped
    from nav2_msgs.srv import SetInitialPose

    hint = PoseWithCovarianceStamped()
    hint.header.frame_id = f"{robot.name}_map"
    hint.pose.pose.position.x, hint.pose.pose.orientation.w = 1000.0, 1.0
    hint.pose.covariance[0] = hint.pose.covariance[7] = 1.0
    localized(robot, random_place)

    def is_rejected_far_from_the_hint() -> bool:
        # All nodes here have this service; the first one answers, perhaps before the one under test is discovered.
        robot.probe.call(SetInitialPose, "set_initial_pose", SetInitialPose.Request(pose=hint))
        frame = robot.frame(random_place.view(CAM_FROM_MAP), random_place.camera)
        return (frame.status, "from the hint" in frame.reason) == ("implausible_jump", True)

    robot.probe.until(is_rejected_far_from_the_hint)
    robot.probe.until(lambda: robot.frame(random_place.view(CAM_FROM_MAP), random_place.camera).status == "localized")


def test_damaged_map_pipe_and_map_written_over_end_no_node(robot: Any, random_place: Any, tmp_path: Path) -> None:
    from rcl_interfaces.srv import GetParameters
    from sfd2_ros.srv import LoadMap

    good, pipe = tmp_path / "good", tmp_path / "pipe"
    shutil.copytree(random_place.map_folder, good)
    shutil.copytree(random_place.map_folder, pipe)
    (pipe / "manifest.json").unlink()
    os.mkfifo(pipe / "manifest.json")
    answer = robot.probe.call(LoadMap, f"{robot.name}/load_map", LoadMap.Request(path=str(pipe)))
    assert (answer.success, "no regular file" in answer.message) == (False, True)
    answer = robot.probe.call(LoadMap, f"{robot.name}/load_map", LoadMap.Request(path=str(good)))
    assert answer.success, answer.message
    request = GetParameters.Request(names=["map"])
    (value,) = robot.probe.call(GetParameters, f"{robot.name}/get_parameters", request).values
    assert value.string_value == str(good)
    localized(robot, random_place)
    for path in good.glob("*.npy"):  # in place, as cp does
        with path.open("r+b") as stream:
            stream.truncate(10)
    localized(robot, random_place, seed=7)


def test_camera_frame_that_is_not_optical_is_rejected_in_a_level_map(
    probe: Any, start_node: Any, random_place: Any, tmp_path: Path, make_level_robot: Any
) -> None:
    robot = make_level_robot("tilted", random_place, tmp_path / "level")
    features = random_place.view(CAM_FROM_MAP, seed=3)
    assert robot.frame(features, random_place.camera).status == "localized"
    body = rigid(np.eye(3), BASE_FROM_CAM[:3, 3])  # x ahead, as a camera_link is
    robot.send_transform("tilted_base", "tilted_cam", body, probe.now_ns(), static=True)

    def rejected() -> Any:
        status = robot.frame(features, random_place.camera)
        return status if status.status == "no_transform" else None

    assert "optical frame" in probe.until(rejected, 20.0).reason
    robot.mount()
    probe.until(lambda: robot.frame(features, random_place.camera).status == "localized", 20.0)


@pytest.fixture
def make_level_robot(probe: Any, start_node: Any) -> Any:
    """Return a call (name, place, folder) that starts a localizer in the place with its z axis up."""
    import importlib.util
    import sys

    spec = importlib.util.spec_from_file_location("robot_parts", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    parts = importlib.util.module_from_spec(spec)
    sys.modules["robot_parts"] = parts
    spec.loader.exec_module(parts)

    def make(name: str, place: Any, folder: Path) -> Any:
        place.map_again(folder, LEVEL_FROM_PLACE)
        node = start_node("localizer_node", name, **parts.parameters(name, folder))
        return parts.Robot(probe, node, name)

    return make


def test_map_to_odom_is_held_through_rejections_for_a_while_and_no_stamp_is_sent_twice(
    make_walker: Any, random_place: Any
) -> None:
    robot = make_walker("held", broadcast_rate_hz=20.0, hold_s=1.5)
    localized(robot, random_place)
    edges = lambda: robot.broadcasts("held_map")  # noqa: E731
    robot.probe.until(lambda: len(edges()) > 5)
    status = robot.frame(random_place.view(CAM_FROM_MAP), random_place.camera, weights_id="other")
    assert status.status == "wrong_weights"
    before = len(edges())
    robot.probe.until(lambda: len(edges()) > before + 3)  # held
    robot.probe.handle_for(2.5)
    after = len(edges())
    robot.probe.handle_for(1.0)
    assert len(edges()) == after  # and given up
    stamps = [(edge.header.stamp.sec, edge.header.stamp.nanosec) for edge in edges()]
    assert len(stamps) == len(set(stamps))
    assert stamps == sorted(stamps)


def test_second_publisher_of_the_same_edge_is_warned_about(make_walker: Any, random_place: Any) -> None:
    robot = make_walker("doubled")
    localized(robot, random_place)
    robot.probe.handle_for(0.5)
    node = robot.process
    assert "another node broadcasts" not in node.output()
    robot.send_transform("doubled_map", "doubled_odom", rigid(rotation_from_vector([0, 0, 1]), [1, 2, 3]), 5)
    robot.probe.until(lambda: "another node broadcasts doubled_map -> doubled_odom" in node.output())


def test_same_frame_twice_is_broadcast_once(make_walker: Any, random_place: Any) -> None:
    robot = make_walker("twice")
    status = localized(robot, random_place)
    stamp_ns = status.header.stamp.sec * 10**9 + status.header.stamp.nanosec
    count = len(robot.statuses)
    robot.send_features(random_place.view(CAM_FROM_MAP, seed=4), random_place.camera, stamp_ns)
    robot.probe.until(lambda: len(robot.statuses) > count)
    robot.probe.handle_for(0.5)
    assert len(robot.broadcasts("twice_map")) == 1


def test_missing_features_and_missing_transforms_are_logged_with_topics_and_publishers(
    make_walker: Any, random_place: Any
) -> None:
    robot = make_walker("silent")
    robot.probe.until(lambda: "no features for" in robot.process.output(), 30.0)
    assert "/silent/features: it has 1 publisher" in robot.process.output()
    rejected = robot.frame(random_place.view(CAM_FROM_MAP), random_place.camera, with_odometry=False)
    assert rejected.status == "no_transform"
    robot.probe.until(lambda: "/tf: it has" in robot.process.output())
