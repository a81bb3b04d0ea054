# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where feature_node's results go: the topic, a node of the same process, and the drawing for who looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rclpy.duration import Duration
from sensor_msgs.msg import Image

from sfd2_ros.msg import LocalFeatures
from sfd2_ros.ros.conversions.features import fill_message
from sfd2_ros.ros.conversions.images import image_message
from sfd2_ros.ros.intra_process import HandedFeatures, IntraProcessBridge
from sfd2_ros.ros.qos import newest_only, overridable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rclpy.node import Node
    from std_msgs.msg import Header

    from sfd2_ros.core.types import Camera, Features

ACK_S = 0.05
"""Longest wait for the features to be acknowledged before the large annotated image follows. Not tuned."""


@dataclass(frozen=True, eq=False)
class Extraction:
    """What feature_node made of one image.

    Attributes:
        header: of the image.
        status: "ok", or why there are no features.
        reason: of that status.
        pixels: (H, W, 3) uint8 RGB; None when the image could not be read.
        features: None unless the status is "ok".
        camera: intrinsics of the image, likewise.
        transport_s: from the image's stamp to its arrival.
        extraction_s: from then until the features were there.
        images_received: of this camera so far.
        images_dropped: of those, because a newer one had come.
    """

    header: Header
    status: str
    reason: str
    pixels: NDArray[np.uint8] | None
    features: Features | None
    camera: Camera | None
    transport_s: float
    extraction_s: float
    images_received: int
    images_dropped: int


class FeaturesOutput:
    """The publishers of feature_node, and the hand-over where the localizer is in the same process.

    Args:
        node: to publish with.
        cameras: their names.
        bridge: to nodes of this process; None when there are none.
    """

    def __init__(self, node: Node, cameras: Sequence[str], bridge: IntraProcessBridge | None) -> None:
        self._bridge = bridge
        self._publishers = {
            camera: node.create_publisher(
                LocalFeatures, f"{camera}/features", newest_only("reliable"), qos_overriding_options=overridable()
            )
            for camera in cameras
        }
        self._drawings = {
            camera: node.create_publisher(
                Image, f"{camera}/features/image", newest_only("reliable"), qos_overriding_options=overridable()
            )
            for camera in cameras
        }
        if bridge is not None:
            for publisher in self._publishers.values():
                bridge.advertise(publisher.topic_name)

    def deliver(self, camera: str, made: Extraction) -> None:
        """Hand over, publish, and draw, each only where somebody takes it; without a hand-over always publish."""
        publisher = self._publishers[camera]
        is_taken = self._bridge is not None and self._bridge.has_subscriber(publisher.topic_name)
        if is_taken and self._bridge is not None:
            handed = _described(HandedFeatures(), made)
            if made.features is not None and made.camera is not None:
                handed.handed = made.features, made.camera
            self._bridge.send(publisher.topic_name, handed)
        if not is_taken or publisher.get_subscription_count() > 0:
            message = _described(LocalFeatures(), made)
            if made.features is not None and made.camera is not None:
                fill_message(message, made.features, made.camera)
            publisher.publish(message)
        self._draw(camera, made)

    def _draw(self, camera: str, made: Extraction) -> None:
        publisher = self._drawings[camera]
        if made.pixels is not None and made.features is not None and publisher.get_subscription_count() > 0:
            from sfd2_ros.features.overlay import draw_features  # noqa: PLC0415  only when someone looks

            # See `participant`: a large message right behind the features would push them out.
            self._publishers[camera].wait_for_all_acked(Duration(seconds=ACK_S))
            publisher.publish(image_message(draw_features(made.pixels, made.features), made.header))


def _described(message: LocalFeatures, made: Extraction) -> LocalFeatures:
    """Set everything but the features."""
    message.header, message.status, message.reason = made.header, made.status, made.reason
    message.transport_s, message.extraction_s = made.transport_s, made.extraction_s
    message.images_received, message.images_dropped = made.images_received, made.images_dropped
    return message
