# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The driver of a camera that tests of feature_node use, and what it sees."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sfd2_ros.core.types import Camera

CAMERA = Camera(320, 240, 260.0, 260.0, 159.5, 119.5)


def street(seed: int = 0) -> np.ndarray:
    """Return a picture of windows, (240, 320, 3)."""
    generator = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 120, np.uint8)
    for _ in range(60):
        x, y = int(generator.integers(0, 300)), int(generator.integers(0, 220))
        colour = tuple(int(value) for value in generator.integers(0, 255, 3))
        cv2.rectangle(image, (x, y), (x + 20, y + 30), colour, -1)
    return image


class Driver:
    """The driver of camera "front", and ears for what the node makes of its images."""

    def __init__(self, probe: Any, node: Any, camera: str = "front") -> None:
        from sensor_msgs.msg import CameraInfo, Image
        from sfd2_ros.msg import LocalFeatures

        from sfd2_ros.ros.qos import newest_only, reliable

        self.probe = probe
        self.features = probe.listen(LocalFeatures, f"{camera}/features", reliable(50))
        self.images = probe.node.create_publisher(Image, f"{camera}/image_raw", newest_only("reliable"))
        self.infos = probe.node.create_publisher(CameraInfo, f"{camera}/camera_info", newest_only("reliable"))

        def is_discovered() -> bool:
            node.check()
            heard = probe.node.count_publishers(f"{camera}/features") > 0
            return heard and self.images.get_subscription_count() > 0 and self.infos.get_subscription_count() > 0

        probe.until(is_discovered, 60.0)

    def header(self) -> Any:
        from sfd2_ros.ros.conversions.poses import header_at

        return header_at(self.probe.now_ns(), "front_optical")

    def send_info(self, camera: Camera = CAMERA) -> None:
        from sfd2_ros.ros.conversions.cameras import message_from_camera

        info = message_from_camera(camera)
        info.header = self.header()
        self.infos.publish(info)

    def send(self, message: Any) -> None:
        self.images.publish(message)

    def answer(self, message: Any) -> Any:
        """Send an image and return the features message with its stamp."""
        stamp = message.header.stamp

        def answered() -> Any:
            return next((each for each in self.features if each.header.stamp == stamp), None)

        self.send(message)
        return self.probe.until(answered)


def image_of(pixels: np.ndarray, driver: Driver) -> Any:
    from sfd2_ros.ros.conversions.images import image_message

    return image_message(pixels, driver.header())
