# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters changed while nodes run, over the services that `ros2 param set` calls, and overrides of QoS."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.data, pytest.mark.usefixtures("ros")]


def test_threshold_holds_from_the_next_frame_on(robot: Any, query: Any) -> None:
    features, camera, _ = query
    inliers = robot.frame(features, camera).num_inliers
    assert robot.probe.set_parameter("robot", "localizer.gates.min_inliers", inliers * 2).successful
    refused = robot.frame(features, camera)
    assert (refused.status, str(inliers * 2) in refused.reason) == ("few_inliers", True), refused.reason
    assert robot.probe.set_parameter("robot", "localizer.gates.min_inliers", 12).successful
    assert robot.frame(features, camera).status == "localized"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("map", "/another/map", "'map' needs configure"),
        ("odom_frame", "odometry", "'odom_frame' needs configure"),
        ("fusion.enabled", True, "'fusion.enabled' needs configure"),
        ("cameras", ["other"], "read-only"),
        ("localizer.gates.min_inliers", 3, "localizer.gates.min_inliers"),
        ("localizer.gates.min_inliers", 20.5, "Wrong parameter type"),
        ("transform_timeout_s", -1.0, "transform_timeout_s"),
        ("localizer.gates.min_inlier", 20, "undeclared parameter"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_a_reason_and_nothing_changes(
    robot: Any, query: Any, name: str, value: Any, words: str
) -> None:
    features, camera, _ = query
    answer = robot.probe.set_parameter("robot", name, value)
    assert (answer.successful, words in answer.reason) == (False, True), answer.reason
    assert robot.frame(features, camera).status == "localized"


def test_diagnostics_come_at_the_new_rate(robot: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.ros.qos import reliable

    heard = robot.probe.listen(DiagnosticArray, "/diagnostics", reliable(100))
    assert robot.probe.set_parameter("robot", "diagnostics_period_s", 0.1).successful
    robot.probe.until(lambda: len(heard) > 5, 3.0)  # at the default of one a second, five take five seconds
    assert robot.probe.set_parameter("robot", "diagnostics_period_s", 1.0).successful


def test_inactive_node_takes_parameters_of_configure_and_extracts_with_them(probe: Any, start_node: Any) -> None:
    from rclpy.qos import ReliabilityPolicy

    overrides = {"qos_overrides./tuned/features.publisher.reliability": "best_effort"}
    node = start_node("feature_node", "tuned", cameras=["tuned"], device="cpu", autostart=False, **overrides)
    probe.until(lambda: node.check() or probe.node.count_publishers("tuned/features"), 60.0)
    assert probe.set_parameter("tuned", "image_transport", "compressed").successful
    assert probe.set_parameter("tuned", "extractor.max_keypoints", 7).successful
    (publisher,) = probe.node.get_publishers_info_by_topic("/tuned/features")
    assert publisher.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT


def test_queue_without_an_end_is_refused(start_node: Any) -> None:
    overrides = {"qos_overrides./endless/features.publisher.history": "keep_all"}
    node = start_node("feature_node", "endless", cameras=["endless"], device="cpu", **overrides)
    assert node.wait(60.0) == 2
    assert "history is keep_all; keep_last is allowed" in node.output()
