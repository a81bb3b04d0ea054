# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of one camera, from their topic or from a node of the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfd2_ros.msg import LocalFeatures
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
        self._node, self._bridge = node, bridge
        self._topic = node.resolve_topic_name(f"{camera}/features")
        self._subscription: Any = None
        if bridge is None or not bridge.subscribe(self._topic, callback):
            self._subscription = node.create_subscription(
                LocalFeatures, self._topic, callback, newest_only("reliable"), qos_overriding_options=overridable()
            )

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        elif self._bridge is not None:
            self._bridge.unsubscribe(self._topic)
        self._subscription = None
