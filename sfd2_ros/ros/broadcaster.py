# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Broadcasts the localizer's edge on TF: each transform once, or held at a rate, and warns of a second publisher."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType
from tf2_msgs.msg import TFMessage

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.ros.matched_subscription import describe_topics
from sfd2_ros.ros.qos import transforms

if TYPE_CHECKING:
    from geometry_msgs.msg import TransformStamped
    from rclpy.node import Node

    from sfd2_ros.ros.node_config import LocalizerNodeConfig

REMEMBERED = 500
"""Own transforms that are distinguished from those of others: some seconds at the highest rate."""

WARN_S = 10.0
"""Shortest time between two warnings, so that a log stays readable. Not tuned."""


class Broadcaster:
    """Publishes one edge on /tf.

    Args:
        node: to publish with.
        config: at the start; the rate holds as long as the node.
    """

    def __init__(self, node: Node, config: LocalizerNodeConfig) -> None:
        self._node, self._config = node, config
        self._publisher = node.create_publisher(TFMessage, "/tf", transforms())
        self._sending = threading.Lock()
        self._sent: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        self._held: tuple[TransformStamped, int] | None = None
        node.create_subscription(TFMessage, "/tf", self._on_transforms, transforms())
        if config.broadcast_rate_hz > 0:  # a steady clock: the simulated one may stand still, and then has no timers
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            node.create_timer(1.0 / config.broadcast_rate_hz, self._hold, clock=clock)

    def broadcast(self, edge: TransformStamped) -> None:
        """Publish the edge of a localized frame, or hold it from now on."""
        with self._sending:
            if self._config.broadcast_rate_hz > 0:
                self._held = edge, self._node.get_clock().now().nanoseconds
            else:
                self._send(edge)

    def forget(self) -> None:
        """Hold nothing any more."""
        with self._sending:
            self._held = None

    def _hold(self) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        with self._sending:
            if self._held is None or not 0 <= now_ns - self._held[1] <= self._config.hold_s * NS_PER_S:
                return
            edge = self._held[0]
            stamp = now_ns + int(self._config.transform_tolerance_s * NS_PER_S)
            edge.header.stamp.sec, edge.header.stamp.nanosec = divmod(stamp, NS_PER_S)
            self._send(edge)

    def _send(self, edge: TransformStamped) -> None:
        """Publish an edge, but not the last one again: tf2 logs a warning for a repetition of a stamp.

        An earlier stamp is published again: a bag that is played in a loop has the same stamps in each round.
        """
        key = edge.child_frame_id, stamp_ns(edge.header.stamp)
        if self._sent and key == self._sent[-1]:
            return
        self._sent.append(key)
        self._publisher.publish(TFMessage(transforms=[edge]))

    def _on_transforms(self, message: TFMessage) -> None:
        with self._sending:
            children = {child for child, _ in self._sent}
            foreign = [
                edge
                for edge in message.transforms
                if edge.child_frame_id.lstrip("/") in children
                and (edge.child_frame_id, stamp_ns(edge.header.stamp)) not in self._sent
            ]
        if foreign:
            edge = f"{foreign[0].header.frame_id} -> {foreign[0].child_frame_id}"
            self._node.get_logger().warning(
                f"another node broadcasts {edge}, as this one does; {describe_topics(self._node, '/tf')}. Stop it, or "
                "set publish: none",
                throttle_duration_sec=WARN_S,
            )
