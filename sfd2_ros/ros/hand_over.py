# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features passed from one node to another of the same process by reference: nothing is copied or encoded.

rclpy has no intra-process communication: a message between two nodes of one process is serialized, sent and read
again like one between two machines.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sfd2_ros.msg import LocalFeatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.core.types import Camera, Features


class HandedFeatures(LocalFeatures):  # type: ignore[misc]  # generated messages have no types
    """A features message whose arrays are empty: its reader lives in the same process and finds the features here.

    `conversions.features.features_from_message` returns what `handed` holds. It is never published.
    """

    handed: tuple[Features, Camera] | None = None


class HandOver:
    """Where the nodes of one process meet, by the full name of the topic that they would otherwise use."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._offered: set[str] = set()
        self._receivers: dict[str, Callable[[LocalFeatures], None]] = {}

    def offer(self, topic: str) -> None:
        """Say that a topic's features will be sent here."""
        with self._changing:
            self._offered.add(topic)

    def receive(self, topic: str, callback: Callable[[LocalFeatures], None]) -> bool:
        """Have the callback called, on the sender's thread, with what is sent; false when nobody offers the topic."""
        with self._changing:
            if topic in self._offered:
                self._receivers[topic] = callback
            return topic in self._offered

    def cease(self, topic: str) -> None:
        """Have nothing called any more."""
        with self._changing:
            self._receivers.pop(topic, None)

    def has_receiver(self, topic: str) -> bool:
        """Return whether somebody in this process takes the features of a topic."""
        with self._changing:
            return topic in self._receivers

    def send(self, topic: str, message: LocalFeatures) -> None:
        """Give a message to who takes this topic, if anybody does."""
        with self._changing:
            receiver = self._receivers.get(topic)
        if receiver is not None:
            receiver(message)
