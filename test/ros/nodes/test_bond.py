# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The heartbeat of an active node, as Nav2's lifecycle manager hears it over DDS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sfd2_ros.core.config import setting

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


@dataclass(frozen=True)
class Settings:
    """Of a node that does nothing."""

    autostart: bool = setting(False, "Configure and activate at start.")


class Manager:
    """A node with a bond, and the other side of that bond."""

    def __init__(self, probe: Any) -> None:
        from bond.msg import Status

        from sfd2_ros.ros.managed_node import ManagedNode
        from sfd2_ros.ros.qos import reliable

        self.probe, self.status = probe, Status
        self.node = ManagedNode("bonded", {"": Settings})
        self.statuses = probe.listen(Status, "bond", reliable(100))
        self.publisher = probe.node.create_publisher(Status, "bond", reliable())
        probe.until(lambda: self.publisher.get_subscription_count() > 0, 20.0)
        probe.until(lambda: probe.node.count_publishers("bond") > 1, 20.0)

    def heard(self, *, active: bool) -> Any:
        """Return the newest status of the node, when it says so."""
        self._spin()
        own = [each for each in self.statuses if each.id == "bonded" and each.instance_id != "manager"]
        return own[-1] if own and own[-1].active == active else None

    def say(self, **fields: Any) -> None:
        """Publish a status of the manager's side."""
        self.publisher.publish(self.status(**{"id": "bonded", "instance_id": "manager", "active": True, **fields}))

    def _spin(self) -> None:
        import rclpy

        rclpy.spin_once(self.node, timeout_sec=0.02)


@pytest.fixture
def manager(probe: Any) -> Iterator[Manager]:
    made = Manager(probe)
    yield made
    made.node.destroy_node()


def test_a_node_has_a_heartbeat_while_it_is_active(manager: Manager) -> None:
    manager.node.trigger_configure()
    assert manager.heard(active=True) is None
    manager.node.trigger_activate()
    first = manager.probe.until(lambda: manager.heard(active=True))
    assert (first.heartbeat_timeout, first.heartbeat_period) == (4.0, 0.25)
    manager.probe.until(lambda: manager.heard(active=True) and len(manager.statuses) >= 4)
    manager.node.trigger_deactivate()
    manager.probe.until(lambda: manager.heard(active=False))
    manager.node.trigger_activate()
    again = manager.probe.until(lambda: manager.heard(active=True))
    assert again.instance_id != first.instance_id


def test_the_bond_ends_when_the_manager_ends_it_and_not_for_others(manager: Manager) -> None:
    manager.node.trigger_configure()
    manager.node.trigger_activate()
    manager.probe.until(lambda: manager.heard(active=True))
    manager.say(id="another_node", active=False)
    manager.say()
    count = len(manager.statuses)
    manager.probe.until(lambda: manager.heard(active=True) and len(manager.statuses) >= count + 5)
    manager.say(active=False)
    manager.probe.until(lambda: manager.heard(active=False))
