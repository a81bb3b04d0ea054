# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Put together what several cameras took at one moment, and go on without a camera that stays away. Reads no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

ItemT = TypeVar("ItemT")

ABSENT_AFTER = 3
"""A source that was missing in as many groups in a row is not waited for; with its next item it is again."""
_RESTART_NS = 1_000_000_000
"""Stamps that go back by more begin a new recording; less is a late item."""


@dataclass
class _Group(Generic[ItemT]):
    stamp_ns: int
    opened_ns: int
    items: dict[str, ItemT] = field(default_factory=dict)


class Synchroniser(Generic[ItemT]):
    """Groups items of several sources by their stamps.

    Args:
        sources: names, in the order of the items of a group.
        tolerance_ns: items belong together when their stamps differ by no more from the first one's.
        wait_ns: how long a group waits, from its first item on, for those that are missing.
    """

    def __init__(self, sources: Sequence[str], *, tolerance_ns: int, wait_ns: int) -> None:
        self._sources = tuple(sources)
        self._tolerance_ns, self._wait_ns = tolerance_ns, wait_ns
        self._groups: list[_Group[ItemT]] = []
        self._missed = dict.fromkeys(self._sources, 0)
        self._last_stamp_ns: int | None = None
        self.late = 0
        """Items that came after their group had been given out."""

    def put(self, source: str, stamp_ns: int, item: ItemT, now_ns: int) -> list[list[ItemT]]:
        """Add an item and return the groups that are ready, oldest first.

        Args:
            source: one of the sources.
            stamp_ns: of the item.
            item: any.
            now_ns: on a clock that never goes back.
        """
        self._missed[source] = 0
        if self._last_stamp_ns is not None and stamp_ns < self._last_stamp_ns - _RESTART_NS:
            self._groups.clear()  # time jumped back: a bag in a loop
            self._last_stamp_ns = None
        group = self._group_of(source, stamp_ns)
        if group is None and self._last_stamp_ns is not None and stamp_ns <= self._last_stamp_ns + self._tolerance_ns:
            self.late += 1
            return self.due(now_ns)
        if group is None:
            group = _Group(stamp_ns, now_ns)
            self._groups.append(group)
            self._groups.sort(key=lambda one: one.stamp_ns)
        group.items[source] = item
        return self.due(now_ns)

    def due(self, now_ns: int) -> list[list[ItemT]]:
        """Return the groups that are whole or have waited long enough, oldest first, with those before them."""
        present = {source for source, missed in self._missed.items() if missed < ABSENT_AFTER}
        ready = 0
        for number, group in enumerate(self._groups, start=1):
            if present <= group.items.keys() or now_ns - group.opened_ns >= self._wait_ns:
                ready = number
        given, self._groups = self._groups[:ready], self._groups[ready:]
        for group in given:
            self._last_stamp_ns = group.stamp_ns
            for source in self._sources:
                self._missed[source] = 0 if source in group.items else self._missed[source] + 1
        return [[group.items[source] for source in self._sources if source in group.items] for group in given]

    def _group_of(self, source: str, stamp_ns: int) -> _Group[ItemT] | None:
        """Return the open group that an item belongs to, the nearest in time."""
        near = [
            group
            for group in self._groups
            if source not in group.items and abs(stamp_ns - group.stamp_ns) <= self._tolerance_ns
        ]
        return min(near, key=lambda group: abs(stamp_ns - group.stamp_ns), default=None)
