# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishes diagnoses on /diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.ros.qos import reliable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

    from sfd2_ros.ros.diagnostics import Diagnosis


def publish_diagnostics(
    node: Node, task: str, diagnose: Callable[[], Diagnosis], period_s: float
) -> Callable[[float], None]:
    """Publish a diagnosis again and again as long as the node lives.

    diagnostic_updater is not used: its name of a status leaves the namespace out, so that the statuses of several
    robots on the common topic /diagnostics would replace each other.

    Args:
        node: whose clock and publisher are used.
        task: what is judged; the status is named "<namespace>/<node>: <task>", without a leading slash.
        diagnose: judges.
        period_s: time between two messages, seconds.

    Returns:
        A call that changes the period, in seconds.
    """
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", reliable())
    name = f"{node.get_fully_qualified_name().lstrip('/')}: {task}"

    def publish() -> None:
        found = diagnose()
        status = DiagnosticStatus(
            level=bytes([found.level]),
            name=name,
            message=found.reason,
            hardware_id="none",
            values=[KeyValue(key=key, value=value) for key, value in found.values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(array)

    timer = node.create_timer(period_s, publish)

    def set_period(seconds: float) -> None:
        timer.timer_period_ns = int(seconds * NS_PER_S)

    return set_period
