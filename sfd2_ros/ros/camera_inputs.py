# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and intrinsics of the cameras, as they come in, and warnings about those that do not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.ros.camera_infos import CameraInfos
from sfd2_ros.ros.matched_subscription import MatchedSubscription
from sfd2_ros.ros.stamp_gaps import Gaps, StampGaps

if TYPE_CHECKING:
    from rclpy.node import Node

    from sfd2_ros.ros.newest import NewestItems
    from sfd2_ros.ros.node_config import FeatureNodeConfig

CHECK_S = 0.5
"""Time between two looks at the publishers: as long as discovery takes on a usual network."""

SILENCE_S = 5.0
"""A camera that was silent for longer is warned of; drivers need some seconds to start."""

REPEAT_S = 10.0
"""Time between two warnings about one camera."""


INFO_DEPTH = 100
"""Queue of camera_info: unlike images each one counts, as it may be the only one with a changed calibration."""


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
        self._infos = {camera: CameraInfos() for camera in config.cameras}
        self._inputs = {
            camera: _CameraInput(node, camera, config, images, self._infos[camera]) for camera in config.cameras
        }
        # Not the node's clock: with use_sim_time and no /clock it stands still, and so would the warnings.
        self._timer = node.create_timer(CHECK_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def camera_info(self, camera: str, stamp_ns: int, timeout_s: float) -> CameraInfo | None:
        """Return the camera_info at the stamp of an image, or the last one before; see `CameraInfos.wait_for`."""
        return self._infos[camera].wait_for(stamp_ns, timeout_s)

    def describe_missing_info(self, camera: str) -> str:
        """Return in words why there are no intrinsics of a camera."""
        info = self._inputs[camera].info
        return f"nothing heard on {info.topic}, {info.describe_publishers()}"

    def silence_s(self, camera: str) -> float:
        """Return the seconds since the last image of a camera; infinite before the first."""
        last = self._inputs[camera].last_image_s
        return float("inf") if last is None else time.monotonic() - last

    def gaps(self) -> Gaps:
        """Return what the stamps of the camera with most losses say of images that did not arrive."""
        return max((each.gaps.judge() for each in self._inputs.values()), key=lambda gaps: gaps.lost)

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_timer(self._timer)
        for each in self._inputs.values():
            each.close()

    def _check(self) -> None:
        for each in self._inputs.values():
            each.check()


class _CameraInput:
    """The two subscriptions of one camera."""

    def __init__(
        self, node: Node, camera: str, config: FeatureNodeConfig, images: NewestItems[ReceivedImage], infos: CameraInfos
    ) -> None:
        self._node, self._camera, self._images = node, camera, images
        self._started_s = time.monotonic()
        self._warned_s = float("-inf")
        self.last_image_s: float | None = None
        self.gaps = StampGaps()
        topic = f"{camera}/{config.image_topic}"
        kind, topic = (Image, topic) if config.image_transport == "raw" else (CompressedImage, f"{topic}/compressed")
        reliability = config.image_reliability
        self._infos = infos
        to_info = _of_info(reliability)
        self.info = MatchedSubscription(
            node, CameraInfo, f"{camera}/camera_info", self._on_info, to_info, depth=INFO_DEPTH
        )
        self._image = MatchedSubscription(node, kind, topic, self._on_image, reliability)

    def check(self) -> None:
        """Follow the publishers, and warn when images do not come or are lost."""
        now_s = time.monotonic()
        # A subscription that was made anew has lost an image or two; those say nothing about the network.
        if self.info.match() | self._image.match():
            self.gaps = StampGaps()
        problem = self._problem(now_s)
        if problem and now_s - self._warned_s >= REPEAT_S:
            self._warned_s = now_s
            self._node.get_logger().warning(problem)

    def close(self) -> None:
        """Unsubscribe."""
        self.info.close()
        self._image.close()

    def _problem(self, now_s: float) -> str:
        silence_s = now_s - (self._started_s if self.last_image_s is None else self.last_image_s)
        if silence_s > SILENCE_S:
            return self._silence(silence_s)
        gaps = self.gaps.judge()
        if not gaps.are_many:
            return ""
        return (
            f"about {gaps.lost} of the last {gaps.sent} images on {self._image.topic} were lost: their stamps are "
            f"{gaps.period_s:.3f} s apart, with gaps up to {gaps.largest_s:.3f} s; "
            f"{self._image.describe_publishers()}. Let the driver publish reliably, with image_reliability: auto"
        )

    def _silence(self, silence_s: float) -> str:
        others = self._image.similar_topics()
        elsewhere = f"; images are published on {', '.join(others)}: set cameras or image_topic" if others else ""
        return f"no image on {self._image.topic} for {silence_s:.0f} s; {self._image.describe_publishers()}{elsewhere}"

    def _on_info(self, message: CameraInfo) -> None:
        self._infos.add(message, self._node.get_clock().now().nanoseconds)

    def _on_image(self, message: Any) -> None:
        self.last_image_s = time.monotonic()
        self.gaps.add(stamp_ns(message.header.stamp))
        self._images.put(self._camera, ReceivedImage(message, self._node.get_clock().now().nanoseconds))


def _of_info(image_reliability: str) -> str:
    """Return the reliability for intrinsics: small messages, which best effort brings from any publisher."""
    return image_reliability if image_reliability == "auto" else "best_effort"
