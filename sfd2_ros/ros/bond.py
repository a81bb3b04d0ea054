# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bond of a node with Nav2's lifecycle manager: a heartbeat while the node is active.

The manager deactivates the whole stack when the heartbeat of one of its nodes stops for `HEARTBEAT_TIMEOUT_S`. Both
sides publish on one topic under the name of the node; each has an instance of its own (ros/bond_core, bond/Status).
"""

from __future__ import annotations

import importlib
import uuid
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType
from std_msgs.msg import Header

from sfd2_ros.ros.qos import reliable

if TYPE_CHECKING:
    from rclpy.node import Node

HEARTBEAT_PERIOD_S = 0.25
"""The manager waits two seconds for the first heartbeat by default: eight of them fall into that."""
HEARTBEAT_TIMEOUT_S = 4.0
"""Default of bond_core and of Nav2."""


class Bond:
    """Publishes the heartbeat of a node.

    Args:
        node: whose name the bond has.
    """

    def __init__(self, node: Node) -> None:
        self._node, self._status = node, importlib.import_module("bond.msg").Status
        self._instance, self._is_alive = "", False
        self._publisher = node.create_publisher(self._status, "bond", reliable())
        node.create_subscription(self._status, "bond", self._on_status, reliable())
        # By the wall clock: simulated time stands still when a bag is paused, the node does not.
        self._timer = node.create_timer(
            HEARTBEAT_PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._timer.cancel()

    def start(self) -> None:
        """Publish heartbeats from now on."""
        self._instance, self._is_alive = str(uuid.uuid4()), True
        self._publish()
        self._timer.reset()

    def stop(self) -> None:
        """Publish that the bond is over, and no more heartbeats. Called more than once."""
        self._timer.cancel()
        if self._is_alive:
            self._is_alive = False
            self._publish()

    def _publish(self) -> None:
        if not self._node.context.ok():  # a signal came meanwhile; nothing can be announced any more
            return
        self._publisher.publish(
            self._status(
                header=Header(stamp=self._node.get_clock().now().to_msg()),
                id=self._node.get_name(),
                instance_id=self._instance,
                active=self._is_alive,
                heartbeat_timeout=HEARTBEAT_TIMEOUT_S,
                heartbeat_period=HEARTBEAT_PERIOD_S,
            )
        )

    def _on_status(self, status: Any) -> None:
        """End the bond when the manager ends it; the manager waits for that answer."""
        if status.id == self._node.get_name() and status.instance_id != self._instance and not status.active:
            self.stop()
