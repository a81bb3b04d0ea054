# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What feature_node receives from cameras of either reliability, and what it logs of those that it does not hear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.types import Camera

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
SIZE = (480, 640, 3)
CAMERA = Camera(640, 480, 500.0, 500.0, 319.5, 239.5)
PERIOD_S = 0.125


class Camera640:
    """The driver of a camera of 640x480, at 8 Hz."""

    def __init__(self, probe: Any, name: str, reliability: str) -> None:
        from sensor_msgs.msg import CameraInfo, Image
        from sfd2_ros.msg import LocalFeatures

        from sfd2_ros.ros.qos import newest_only, reliable

        self.probe, self.name = probe, name
        self.profile = newest_only(reliability)
        self.features = probe.listen(LocalFeatures, f"{name}/features", reliable(100))
        self.images = probe.node.create_publisher(Image, f"{name}/image_raw", self.profile)
        self.infos = probe.node.create_publisher(CameraInfo, f"{name}/camera_info", self.profile)
        self.pixels = np.random.default_rng(0).integers(0, 255, SIZE, np.uint8)

    def is_matched(self) -> bool:
        """Return whether the node hears us, and we hear it."""
        subscriptions = (self.images.get_subscription_count(), self.infos.get_subscription_count())
        return min(subscriptions) > 0 and self.probe.node.count_publishers(f"{self.name}/features") > 0

    def send(self, stamp_ns: int | None = None) -> None:
        """Publish one image with its intrinsics."""
        from sfd2_ros.ros.conversions.cameras import message_from_camera
        from sfd2_ros.ros.conversions.images import image_message
        from sfd2_ros.ros.conversions.poses import header_at

        header = header_at(stamp_ns or self.probe.now_ns(), "optical")
        info = message_from_camera(CAMERA)
        info.header = header
        self.infos.publish(info)
        self.images.publish(image_message(self.pixels, header))

    def reliability_heard(self) -> str:
        """Return the reliability that the node's subscription to the images asks for."""
        found = self.probe.node.get_subscriptions_info_by_topic(f"/{self.name}/image_raw")
        return found[0].qos_profile.reliability.name if len(found) == 1 else ""


def start(start_node: Any, probe: Any, name: str, reliability: str, **parameters: Any) -> tuple[Any, Camera640]:
    node = start_node("feature_node", f"{name}_node", cameras=[name], device="cpu", **parameters)
    camera = Camera640(probe, name, reliability)
    probe.until(lambda: node.check() or camera.is_matched(), 90.0)
    return node, camera


def test_every_image_of_a_reliable_camera_arrives_with_the_default_settings(probe: Any, start_node: Any) -> None:
    _, camera = start(start_node, probe, "vga", "reliable")
    probe.until(lambda: camera.reliability_heard() == "RELIABLE")
    for _ in range(40):
        camera.send()
        probe.handle_for(PERIOD_S)
    probe.until(lambda: camera.features and camera.features[-1].images_received >= 36, 30.0)
    last = camera.features[-1]
    assert last.status == "ok"
    assert last.images_received >= 36  # the first may be sent before the subscriptions have met


def test_best_effort_camera_is_heard_and_one_that_becomes_reliable_is_followed(probe: Any, start_node: Any) -> None:
    _, camera = start(start_node, probe, "changing", "best_effort")
    probe.until(lambda: camera.reliability_heard() == "BEST_EFFORT")

    def is_heard() -> bool:
        camera.send()
        probe.handle_for(PERIOD_S)
        return bool(camera.features)

    probe.until(is_heard, 60.0)
    for publisher in (camera.images, camera.infos):
        probe.node.destroy_publisher(publisher)
    again = Camera640(probe, "changing", "reliable")
    probe.until(lambda: again.reliability_heard() == "RELIABLE")


@pytest.mark.parametrize("reliability", ["best_effort", "reliable"])
def test_reliability_that_a_user_has_set_is_kept(probe: Any, start_node: Any, reliability: str) -> None:
    other = {"best_effort": "reliable", "reliable": "best_effort"}[reliability]
    name = f"fixed_{reliability}"
    node = start_node("feature_node", name, cameras=[name], device="cpu", image_reliability=reliability)
    camera = Camera640(probe, name, other)
    probe.until(lambda: node.check() or camera.reliability_heard() == reliability.upper(), 60.0)
    probe.handle_for(2.0)
    assert camera.reliability_heard() == reliability.upper()


def test_gaps_in_the_stamps_are_logged_as_lost_images_and_regular_stamps_are_not(probe: Any, start_node: Any) -> None:
    node, camera = start(start_node, probe, "gapped", "reliable")
    probe.until(lambda: camera.reliability_heard() == "RELIABLE")
    stamp_ns = probe.now_ns()
    for _ in range(25):
        stamp_ns += 100_000_000
        camera.send(stamp_ns)
        probe.handle_for(0.1)
    assert "lost" not in node.output()
    for number in range(25):
        stamp_ns += 100_000_000 * (1 + 3 * (number % 3 == 0))
        camera.send(stamp_ns)
        probe.handle_for(0.1)
    probe.until(lambda: "lost" in node.output(), 10.0)
    line = next(line for line in node.output().splitlines() if "lost" in line)
    assert "/gapped/image_raw" in line
    assert "image_reliability" in line


def test_silent_camera_is_logged_with_its_topic_and_its_publishers(probe: Any, start_node: Any) -> None:
    from sensor_msgs.msg import Image

    from sfd2_ros.ros.qos import newest_only

    elsewhere = probe.node.create_publisher(Image, "mast/image_raw", newest_only("best_effort"))
    node = start_node("feature_node", "misnamed", cameras=["nose"], device="cpu")
    probe.until(lambda: node.check() or "no image on /nose/image_raw" in node.output(), 60.0)
    line = next(line for line in node.output().splitlines() if "no image on" in line)
    assert "no publisher" in line
    assert "/mast/image_raw" in line
    probe.node.destroy_publisher(elsewhere)


def test_silent_camera_of_another_reliability_is_logged_with_it(probe: Any, start_node: Any) -> None:
    node = start_node("feature_node", "deaf", cameras=["mute"], device="cpu", image_reliability="reliable")
    Camera640(probe, "mute", "best_effort")
    probe.until(lambda: node.check() or "1 publisher" in node.output(), 60.0)
    line = next(line for line in node.output().splitlines() if "1 publisher" in line)
    assert "best_effort" in line
    assert "image_reliability" in line
