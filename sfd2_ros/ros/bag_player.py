# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishes a rosbag2 through rclpy, for machines that have no `ros2 bag`."""

from __future__ import annotations

import importlib
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.core.errors import BagError
from sfd2_ros.ros.participant import participant
from sfd2_ros.ros.qos import newest_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

    from sfd2_ros.bags.reader import BagMessage, BagReader, BagTopic

NODES = ("sfd2_play", "sfd2_play_images")
LARGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/PointCloud2")
CLOCK_PERIOD_S = 0.01
SETTLED_S = 2.0
ACK_S = 10.0  # a lost message comes again with the next heartbeat of Fast DDS, three seconds later
QUEUE = 100


@dataclass(frozen=True)
class PlaySettings:
    """How a bag is played.

    Attributes:
        rate: 2.0 is twice as fast as it was recorded.
        is_looping: begin again at the end, until interrupted.
        has_clock: publish /clock, for nodes with use_sim_time.
        is_restamped: move the stamps of headers and transforms so that the bag happens now.
        discovery_s: how long to wait for subscribers before the first message, seconds.
    """

    rate: float = 1.0
    is_looping: bool = False
    has_clock: bool = False
    is_restamped: bool = False
    discovery_s: float = 10.0


@dataclass
class PlayReport:
    """What was played: messages published, and topics left out because their types are not installed."""

    messages: int
    left_out: list[str]


def play_bag(reader: BagReader, settings: PlaySettings, report: Callable[[str], None]) -> PlayReport:
    """Publish a bag until its end, or until SIGINT or SIGTERM.

    Args:
        reader: an open bag.
        settings: how to play it.
        report: told one line at a time what happens.

    Raises:
        BagError: the bag is damaged, or none of its types is installed.
    """
    interrupted = threading.Event()
    previous = {
        number: signal.signal(number, lambda _number, _frame: interrupted.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    contexts = participant(), participant()
    try:
        small, large = (rclpy.create_node(name, context=each) for name, each in zip(NODES, contexts, strict=True))
        return _Player((small, large), reader, settings, report, interrupted).play()
    finally:
        for context in contexts:
            context.try_shutdown()
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Player:
    def __init__(
        self,
        nodes: tuple[Node, Node],
        reader: BagReader,
        settings: PlaySettings,
        report: Callable[[str], None],
        interrupted: threading.Event,
    ) -> None:
        self._node, self._image_node = nodes
        self._reader, self._settings, self._report, self._interrupted = reader, settings, report, interrupted
        self._types: dict[str, Any] = {}
        self._publishers: dict[str, Any] = {}
        left_out = [topic.name for topic in reader.topics if not self._advertise(topic)]
        if left_out:
            report(f"not played, their message types are not installed: {', '.join(left_out)}")
        if not self._publishers:
            raise BagError(
                "none of the bag's topics can be played; build the workspace with their messages and source it"
            )
        self._clock = (
            self._node.create_publisher(Clock, "/clock", newest_only("reliable")) if settings.has_clock else None
        )
        self._played = PlayReport(0, left_out)

    def play(self) -> PlayReport:
        self._wait_for_subscribers()
        while not self._interrupted.is_set():
            self._play_once()
            if not self._settings.is_looping:
                break
        if not self._interrupted.is_set():
            self._let_the_last_through()
        return self._played

    def _advertise(self, topic: BagTopic) -> bool:
        """Make the publisher of a topic; false when its type is not installed."""
        package, _, name = topic.type_name.split("/")
        try:
            kind = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            return False
        is_latched = topic.is_latched or topic.name == "/tf_static"
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=QUEUE,
            reliability=ReliabilityPolicy.RELIABLE,  # heard by best-effort and reliable subscriptions alike
            durability=DurabilityPolicy.TRANSIENT_LOCAL if is_latched else DurabilityPolicy.VOLATILE,
        )
        self._types[topic.name] = kind
        node = self._image_node if topic.type_name in LARGE_TYPES else self._node
        self._publishers[topic.name] = node.create_publisher(kind, topic.name, profile)
        return True

    def _wait_for_subscribers(self) -> None:
        """Wait until somebody listens and nobody new has come for a while."""
        deadline = time.monotonic() + self._settings.discovery_s
        listeners, since = 0, time.monotonic()
        while not self._interrupted.is_set() and time.monotonic() < deadline:
            found = sum(publisher.get_subscription_count() for publisher in self._publishers.values())
            if found != listeners or self._is_anyone_unmatched():
                listeners, since = found, time.monotonic()
            if listeners and time.monotonic() - since > SETTLED_S:
                return
            self._interrupted.wait(CLOCK_PERIOD_S)
        if not listeners and self._settings.discovery_s > 0:
            self._report(f"no subscriber after {self._settings.discovery_s:.0f} s; the bag is played all the same")

    def _is_anyone_unmatched(self) -> bool:
        """Return whether either node knows of a subscription that its publisher has not been matched with yet."""
        return any(
            max(node.count_subscribers(topic) for node in (self._node, self._image_node))
            > publisher.get_subscription_count()
            for topic, publisher in self._publishers.items()
        )

    def _play_once(self) -> None:
        """Play the bag from its beginning to its end."""
        start_wall, start_bag, shift_ns = time.monotonic(), None, 0
        for message in self._reader.messages(list(self._publishers)):
            if start_bag is None:
                start_bag = message.time_ns
                shift_ns = time.time_ns() - start_bag if self._settings.is_restamped else 0
            due = start_wall + (message.time_ns - start_bag) / NS_PER_S / self._settings.rate
            self._sleep_until(due, message.time_ns + shift_ns)
            if self._interrupted.is_set():
                return
            data = self._restamped(message, start_bag, shift_ns) if self._settings.is_restamped else message.data
            self._publishers[message.topic].publish(data)
            self._played.messages += 1

    def _sleep_until(self, due: float, bag_ns: int) -> None:
        """Sleep until a message is due, with /clock running towards its time; wake up when interrupted."""
        while not self._interrupted.is_set():
            remaining = due - time.monotonic()
            self._publish_clock(bag_ns - int(max(remaining, 0.0) * self._settings.rate * NS_PER_S))
            if remaining <= 0:
                return
            self._interrupted.wait(min(remaining, CLOCK_PERIOD_S))

    def _publish_clock(self, time_ns: int) -> None:
        if self._clock is None:
            return
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(time_ns, NS_PER_S)
        self._clock.publish(message)

    def _restamped(self, message: BagMessage, start_bag: int, shift_ns: int) -> bytes:
        """Return a message whose stamps are moved to now, and closer together when played faster."""
        value = deserialize_message(message.data, self._types[message.topic])
        for holder in (value, *getattr(value, "transforms", ())):
            stamp = getattr(getattr(holder, "header", None), "stamp", None)
            if stamp is not None and (recorded := stamp_ns(stamp)):
                played = start_bag + shift_ns + int((recorded - start_bag) / self._settings.rate)
                stamp.sec, stamp.nanosec = divmod(played, NS_PER_S)
        return bytes(serialize_message(value))

    def _let_the_last_through(self) -> None:
        """Wait until reliable subscribers have what was published last."""
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=ACK_S))
