# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of all cameras, those of one moment put together."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.ros.camera_inputs import CHECK_S
from sfd2_ros.ros.features_input import FeaturesInput
from sfd2_ros.ros.synchroniser import Synchroniser

if TYPE_CHECKING:
    from rclpy.node import Node

    from sfd2_ros.msg import LocalFeatures
    from sfd2_ros.ros.intra_process import IntraProcessBridge
    from sfd2_ros.ros.newest import NewestItems
    from sfd2_ros.ros.node_config import LocalizerNodeConfig

RIG = "rig"
_CHECKS_A_WAIT = 20
"""Checks for groups that are due, per longest wait: a group is late by at most a twentieth of it."""


class RigInput:
    """Hears the features of all cameras and leaves what belongs together as one item.

    Args:
        node: to subscribe with.
        config: cameras, and how they are synchronised.
        items: where frames are left; of a camera alone under its name, of a rig under "rig".
        bridge: to nodes of this process; None when there are none.
    """

    def __init__(
        self,
        node: Node,
        config: LocalizerNodeConfig,
        items: NewestItems[list[LocalFeatures]],
        bridge: IntraProcessBridge | None,
    ) -> None:
        self._node, self._items = node, items
        self._putting = threading.Lock()
        self.last_heard_s = float("-inf")
        """Time of the last message, on `time.monotonic`."""
        self._synchroniser: Synchroniser[LocalFeatures] | None = None
        self._timer = None
        clock = Clock(clock_type=ClockType.STEADY_TIME)  # also while a simulated clock stands still
        self._check_timer = node.create_timer(CHECK_S, self._check, clock=clock)
        if len(config.cameras) > 1 and config.sync_tolerance_s > 0:
            self._synchroniser = Synchroniser(
                config.cameras,
                tolerance_ns=int(config.sync_tolerance_s * NS_PER_S),
                wait_ns=int(config.sync_wait_s * NS_PER_S),
            )
            self._timer = node.create_timer(
                max(config.sync_wait_s / _CHECKS_A_WAIT, 0.005), self._give_due, clock=clock
            )
        self._inputs = [FeaturesInput(node, camera, partial(self._put, camera), bridge) for camera in config.cameras]

    @property
    def late(self) -> int:
        """Messages that came when those of their moment had been given out."""
        return 0 if self._synchroniser is None else self._synchroniser.late

    def close(self) -> None:
        """Take nothing any more."""
        for features in self._inputs:
            features.close()
        for timer in (self._timer, self._check_timer):
            if timer is not None:
                self._node.destroy_timer(timer)

    def _check(self) -> None:
        for features in self._inputs:
            features.check()

    def _put(self, camera: str, message: LocalFeatures) -> None:
        self.last_heard_s = time.monotonic()
        if self._synchroniser is None:
            self._items.put(camera, [message])
            return
        with self._putting:
            given = self._synchroniser.put(camera, stamp_ns(message.header.stamp), message, time.monotonic_ns())
        self._give(given)

    def _give_due(self) -> None:
        if self._synchroniser is not None:
            with self._putting:
                given = self._synchroniser.due(time.monotonic_ns())
            self._give(given)

    def _give(self, groups: list[list[LocalFeatures]]) -> None:
        for group in groups:
            self._items.put(RIG, group)
