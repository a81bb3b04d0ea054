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


class IntraProcessBridge:
    """Where the nodes of one process meet, by the full name of the topic that they would otherwise use."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._advertised: set[str] = set()
        self._subscribers: dict[str, Callable[[LocalFeatures], None]] = {}

    def advertise(self, topic: str) -> None:
        """Announce that features of a topic will be sent here."""
        with self._changing:
            self._advertised.add(topic)

    def subscribe(self, topic: str, callback: Callable[[LocalFeatures], None]) -> bool:
        """Call the callback, on the sender's thread, with each message; False where the topic is not advertised."""
        with self._changing:
            if topic in self._advertised:
                self._subscribers[topic] = callback
            return topic in self._advertised

    def unsubscribe(self, topic: str) -> None:
        """Stop the calls."""
        with self._changing:
            self._subscribers.pop(topic, None)

    def has_subscriber(self, topic: str) -> bool:
        """Return whether a subscriber of the topic is in this process."""
        with self._changing:
            return topic in self._subscribers

    def send(self, topic: str, message: LocalFeatures) -> None:
        """Give a message to the subscriber of a topic, if there is one."""
        with self._changing:
            subscriber = self._subscribers.get(topic)
        if subscriber is not None:
            subscriber(message)
