# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and intrinsics of the cameras, as they come in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sfd2_ros.ros.qos import newest_only

if TYPE_CHECKING:
    from rclpy.node import Node

    from sfd2_ros.ros.newest import NewestItems
    from sfd2_ros.ros.node_config import FeatureNodeConfig


@dataclass(frozen=True, eq=False)
class ReceivedImage:
    """An image message and when it came.

    Attributes:
        message: Image or CompressedImage.
        received_ns: on the node's clock.
    """

    message: Any
    received_ns: int


class CameraInputs:
    """Subscribes to the images and intrinsics of all cameras.

    Args:
        node: to subscribe with.
        config: names of the cameras and how images come.
        images: where the newest image of each camera is left.
    """

    def __init__(self, node: Node, config: FeatureNodeConfig, images: NewestItems[ReceivedImage]) -> None:
        self._node = node
        self._images = images
        self._heard = threading.Condition()
        self._infos: dict[str, CameraInfo] = {}
        self._last_image: dict[str, float] = {}
        self._started = time.monotonic()
        self._subscriptions = [
            subscription for camera in config.cameras for subscription in self._subscribe(camera, config)
        ]

    def camera_info(self, camera: str, timeout_s: float) -> CameraInfo | None:
        """Return the newest intrinsics of a camera; before the first, wait for them as long as the timeout."""
        with self._heard:
            self._heard.wait_for(lambda: camera in self._infos, timeout_s)
            return self._infos.get(camera)

    def silence_s(self, camera: str) -> float:
        """Return the seconds since the last image of a camera; infinite before the first."""
        last = self._last_image.get(camera)
        return float("inf") if last is None else time.monotonic() - last

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _subscribe(self, camera: str, config: FeatureNodeConfig) -> list[Any]:
        topic = f"{camera}/{config.image_topic}"
        kind, topic = (Image, topic) if config.image_transport == "raw" else (CompressedImage, f"{topic}/compressed")
        info = partial(self._on_info, camera)
        image = partial(self._on_image, camera)
        return [
            # Intrinsics are small, and heard best-effort from any publisher.
            self._node.create_subscription(CameraInfo, f"{camera}/camera_info", info, newest_only("best_effort")),
            self._node.create_subscription(kind, topic, image, newest_only(config.image_reliability)),
        ]

    def _on_info(self, camera: str, message: CameraInfo) -> None:
        with self._heard:
            self._infos[camera] = message
            self._heard.notify_all()

    def _on_image(self, camera: str, message: Any) -> None:
        self._last_image[camera] = time.monotonic()
        self._images.put(camera, ReceivedImage(message, self._node.get_clock().now().nanoseconds))
