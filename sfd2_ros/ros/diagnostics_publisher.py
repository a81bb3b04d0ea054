# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishes diagnoses on /diagnostics, through diagnostic_updater where ROS has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.ros import native
from sfd2_ros.ros.qos import reliable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

    from sfd2_ros.ros.diagnostics import Diagnosis


def publish_diagnostics(
    node: Node, task: str, diagnose: Callable[[], Diagnosis], period_s: float
) -> Callable[[float], None]:
    """Publish a diagnosis again and again as long as the node lives.

    Args:
        node: whose clock and publisher are used.
        task: what is judged; the status is named "<node>: <task>".
        diagnose: judges.
        period_s: time between two messages, seconds.

    Returns:
        A call that changes the period, in seconds.
    """
    publish_natively = native.has("diagnostic_updater")
    return (_with_updater if publish_natively else _with_timer)(node, task, diagnose, period_s)


def _with_updater(node: Node, task: str, diagnose: Callable[[], Diagnosis], period_s: float) -> Callable[[float], None]:
    from diagnostic_updater import Updater  # noqa: PLC0415  only where ROS has it

    for name in ("diagnostic_updater.period", "diagnostic_updater.use_fqn"):
        if node.has_parameter(name):  # from the command line or a file; the updater insists on declaring it itself
            node.undeclare_parameter(name)
    updater = Updater(node, period=period_s)
    updater.setHardwareID("none")

    def run(status: Any) -> Any:
        found = diagnose()
        status.summary(bytes([found.level]), found.reason)
        for key, value in found.values.items():
            status.add(key, value)
        return status

    updater.add(task, run)

    def set_period(seconds: float) -> None:
        updater.period = seconds

    return set_period


def _with_timer(node: Node, task: str, diagnose: Callable[[], Diagnosis], period_s: float) -> Callable[[float], None]:
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", reliable())

    def publish() -> None:
        found = diagnose()
        status = DiagnosticStatus(
            level=bytes([found.level]),
            name=f"{node.get_name()}: {task}",
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
