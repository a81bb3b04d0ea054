# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A subscription that is as reliable as its publishers are, and words for who publishes a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rclpy.qos import ReliabilityPolicy

from sfd2_ros.ros.qos import newest_only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.node import Node

AUTO = "auto"
MAX_LISTED = 5
"""Publishers or topics that a log line names."""


@dataclass(frozen=True)
class Publisher:
    """A publisher of a topic.

    Attributes:
        node: full name of its node.
        reliability: "reliable" or "best_effort".
    """

    node: str
    reliability: str


def publishers_of(node: Node, topic: str) -> list[Publisher]:
    """Return the publishers of a topic that are known now."""
    found = node.get_publishers_info_by_topic(topic)
    return [
        Publisher(
            f"{info.node_namespace.rstrip('/')}/{info.node_name}",
            "reliable" if info.qos_profile.reliability == ReliabilityPolicy.RELIABLE else "best_effort",
        )
        for info in found
    ]


def reliability_for(publishers: Sequence[Publisher]) -> str | None:
    """Return the reliability that hears all publishers and loses least; None when there is no publisher."""
    if not publishers:
        return None
    return "reliable" if all(each.reliability == "reliable" for each in publishers) else "best_effort"


def describe_publishers(publishers: Sequence[Publisher], subscribed: str) -> str:
    """Return in words who publishes a topic, and whether a subscription of a reliability hears it."""
    if not publishers:
        return "it has no publisher"
    named = ", ".join(f"{each.node} ({each.reliability})" for each in publishers[:MAX_LISTED])
    more = "" if len(publishers) <= MAX_LISTED else ", ..."
    words = f"it has {len(publishers)} publisher{'' if len(publishers) == 1 else 's'}: {named}{more}"
    if subscribed == "reliable" and any(each.reliability != "reliable" for each in publishers):
        words += "; the subscription is reliable and does not hear best_effort ones: set image_reliability: auto"
    elif subscribed == "best_effort" and reliability_for(publishers) == "reliable":
        words += "; the subscription is best_effort and may lose large images: set image_reliability: auto"
    return words


def describe_topics(node: Node, *names: str) -> str:
    """Return in words who publishes topics, by their resolved names."""
    topics = [node.resolve_topic_name(name) for name in names]
    return "; ".join(f"{topic}: {describe_publishers(publishers_of(node, topic), '')}" for topic in topics)


class MatchedSubscription:
    """Keeps the messages of a topic coming, by a subscription that its publishers can serve.

    Args:
        node: to subscribe with.
        kind: type of the messages.
        topic: name of the topic.
        callback: called with every message.
        reliability: "reliable", "best_effort", or "auto": reliable while all publishers are.
        depth: of the queue; 1: only the newest message counts.
    """

    def __init__(
        self,
        node: Node,
        kind: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        reliability: str,
        *,
        depth: int = 1,
    ) -> None:
        self._depth = depth
        self._node, self._kind, self._callback = node, kind, callback
        self.topic: str = node.resolve_topic_name(topic)
        self._is_auto = reliability == AUTO
        # Best effort hears every publisher, so nothing is missed until the publishers are known.
        self.reliability = "best_effort" if self._is_auto else reliability
        self._subscription: Any = None
        if not self.match():
            self._subscribe()

    def match(self) -> bool:
        """Subscribe again when the publishers have changed their reliability; return whether that was so."""
        wanted = reliability_for(publishers_of(self._node, self.topic)) if self._is_auto else self.reliability
        if wanted is None or wanted == self.reliability:
            return False
        self.reliability = wanted
        self.close()
        self._subscribe()
        return True

    def describe_publishers(self) -> str:
        """Return in words who publishes the topic."""
        return describe_publishers(publishers_of(self._node, self.topic), self.reliability)

    def similar_topics(self) -> list[str]:
        """Return other topics of the same type that other nodes publish."""
        type_name = "/".join((self._kind.__module__.split(".")[0], "msg", self._kind.__name__))
        return [
            name
            for name, types in self._node.get_topic_names_and_types()
            if type_name in types and name != self.topic and self._has_other_publisher(name)
        ][:MAX_LISTED]

    def _has_other_publisher(self, topic: str) -> bool:
        own = self._node.get_fully_qualified_name()
        return any(each.node != own for each in publishers_of(self._node, topic))

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription = None

    def _subscribe(self) -> None:
        profile = newest_only(self.reliability)
        profile.depth = self._depth
        self._subscription = self._node.create_subscription(self._kind, self.topic, self._callback, profile)
