# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Both nodes in one process with their default names, and the rviz config that shows what they publish."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.ros, pytest.mark.data, pytest.mark.usefixtures("ros")]
CONFIG = Path(__file__).resolve().parents[3] / "config" / "sfd2.rviz"
# rviz display: type of its topic.
DISPLAYED = {
    "PointCloud2": "sensor_msgs/msg/PointCloud2",
    "Path": "nav_msgs/msg/Path",
    "PoseWithCovariance": "geometry_msgs/msg/PoseWithCovarianceStamped",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
    "Image": "sensor_msgs/msg/Image",
}


@pytest.fixture(scope="module")
def node(start_node: Any, small_map: Path) -> Any:
    return start_node("composed_nodes", None, map=str(small_map), device="cpu", image_reliability="reliable")


def published(probe: Any) -> dict[str, list[str]]:
    """Return the types of all topics that somebody publishes."""
    names = dict(probe.node.get_topic_names_and_types())
    return {name: types for name, types in names.items() if probe.node.count_publishers(name)}


def test_every_topic_of_the_rviz_config_is_published_with_its_type_and_durability(probe: Any, node: Any) -> None:
    from rclpy.qos import DurabilityPolicy

    manager = yaml.safe_load(CONFIG.read_text("utf-8"))["Visualization Manager"]
    displays = {each["Topic"]["Value"]: each for each in manager["Displays"] if "Topic" in each}
    assert {each["Class"].split("/")[1] for each in displays.values()} == DISPLAYED.keys()
    probe.until(lambda: node.check() or displays.keys() <= published(probe).keys(), 60.0)
    for topic, display in displays.items():
        assert published(probe)[topic] == [DISPLAYED[display["Class"].split("/")[1]]], topic
        offered = probe.node.get_publishers_info_by_topic(topic)[0].qos_profile
        is_latched = offered.durability is DurabilityPolicy.TRANSIENT_LOCAL
        assert (display["Topic"]["Durability Policy"] == "Transient Local") == is_latched, topic
    (markers,) = [each for each in displays.values() if "Namespaces" in each]
    assert set(markers["Namespaces"]) == {"camera", "inliers", "matches"}
    assert manager["Global Options"]["Fixed Frame"] == "map"


def test_initial_pose_of_rviz_is_heard(probe: Any, node: Any) -> None:
    tools = yaml.safe_load(CONFIG.read_text("utf-8"))["Visualization Manager"]["Tools"]
    (topic,) = [tool["Topic"]["Value"] for tool in tools if tool["Class"].endswith("SetInitialPose")]
    probe.until(lambda: node.check() or probe.node.count_subscribers(topic) > 0, 60.0)


def test_one_process_localizes_from_image_to_transform(probe: Any, node: Any, drive: Any) -> None:
    from sfd2_lab.bench.demo.drive_bag import ROOF_MOUNT
    from sfd2_lab.bench.players.drive_player import DrivePlayer, OdometrySample

    image, camera, map_from_cam = drive[5]
    player = DrivePlayer("/localizer_node", 1_000_000_000)
    player.wait_for_nodes(60.0, node.check, is_composed=True)
    player.publish_mount(ROOF_MOUNT)
    player.greet(camera, 30.0, node.check)
    now_ns = player.now_ns()
    still = [OdometrySample(now_ns + sign * 20_000_000, ROOF_MOUNT) for sign in (-1, 1)]
    heard = player.play_frame(image, camera, now_ns, still, 20.0)
    player.close()
    assert heard.status is not None
    assert heard.status.status == "localized", heard.status.reason
    assert heard.map_from_odom is not None
    told = heard.map_from_odom @ ROOF_MOUNT @ ROOF_MOUNT
    assert abs(told[:3, 3] - map_from_cam[:3, 3]).max() < 0.1


def test_both_nodes_end_with_their_process(node: Any) -> None:
    assert node.stop(signal.SIGINT) == 0
    assert "Traceback" not in node.output()
