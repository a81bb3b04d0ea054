# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of one camera, from their topic or from a node of the same process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sfd2_ros.msg import LocalFeatures
from sfd2_ros.ros.camera_inputs import REPEAT_S, SILENCE_S
from sfd2_ros.ros.matched_subscription import describe_topics
from sfd2_ros.ros.qos import newest_only, overridable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

    from sfd2_ros.ros.intra_process import IntraProcessBridge


class FeaturesInput:
    """Takes features by reference where the feature node is in this process, and subscribes where it is not.

    Args:
        node: to subscribe with.
        camera: name of the camera.
        callback: called with every message, on a thread of the executor or of the feature node.
        bridge: to nodes of this process; None when there are none.
    """

    def __init__(
        self, node: Node, camera: str, callback: Callable[[LocalFeatures], None], bridge: IntraProcessBridge | None
    ) -> None:
        self._node, self._bridge, self._camera, self._callback = node, bridge, camera, callback
        self._heard_s, self._warned_s = time.monotonic(), float("-inf")
        self._topic = node.resolve_topic_name(f"{camera}/features")
        self._subscription: Any = None
        if bridge is None or not bridge.subscribe(self._topic, callback):
            self._subscription = node.create_subscription(
                LocalFeatures,
                self._topic,
                self._on_features,
                newest_only("reliable"),
                qos_overriding_options=overridable(),
            )

    def check(self) -> None:
        """Warn now and then while nothing comes from another process."""
        now_s = time.monotonic()
        if self._subscription is None or now_s - self._heard_s < SILENCE_S or now_s - self._warned_s < REPEAT_S:
            return
        self._warned_s = now_s
        self._node.get_logger().warning(
            f"no features for {now_s - self._heard_s:.0f} s; {describe_topics(self._node, self._topic)}; start "
            f"feature_node with camera {self._camera!r} in this namespace, or set cameras"
        )

    def _on_features(self, message: LocalFeatures) -> None:
        self._heard_s = time.monotonic()
        self._callback(message)

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        elif self._bridge is not None:
            self._bridge.unsubscribe(self._topic)
        self._subscription = None
