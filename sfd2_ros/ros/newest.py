# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The newest item wins: a place for one item a source, and a thread that works on what lies there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ItemT = TypeVar("ItemT")

STOP_S = 10.0
"""Longest time that a node waits for an item in progress when it is deactivated."""


@dataclass(frozen=True)
class Counts:
    """What became of the items of one source: received in all, and let go because a newer one had come."""

    received: int = 0
    dropped: int = 0


class CountsSince:
    """Says what has been counted since it was last asked."""

    def __init__(self) -> None:
        self._before = Counts()
        self._asked_s = float("nan")

    def ask(self, total: Counts, now_s: float) -> tuple[Counts, float]:
        """Return the part of `total` that was not there at the last call, and the seconds since; NaN at the first."""
        before, self._before = self._before, total
        seconds, self._asked_s = now_s - self._asked_s, now_s
        if total.received < before.received:  # counted anew since an activation
            return total, seconds
        return Counts(total.received - before.received, total.dropped - before.dropped), seconds


class NewestItems(Generic[ItemT]):
    """Holds at most one item a source. Putting never waits; what was not taken yet is replaced and counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: dict[str, ItemT] = {}
        self._counts: dict[str, Counts] = {}
        self._is_closed = False

    def put(self, source: str, item: ItemT) -> None:
        """Leave an item in place of an older one of the same source."""
        with self._changed:
            counts = self._counts.get(source, Counts())
            self._counts[source] = Counts(counts.received + 1, counts.dropped + (source in self._items))
            self._items[source] = item
            self._changed.notify_all()

    def take(self) -> tuple[str, ItemT] | None:
        """Wait for an item and take it, the source that waits longest first; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_closed)
            if self._is_closed:
                return None
            source = next(iter(self._items))
            return source, self._items.pop(source)

    def counts(self, source: str) -> Counts:
        """Return what became of the items of a source."""
        with self._changed:
            return self._counts.get(source, Counts())

    def total(self) -> Counts:
        """Return what became of the items of all sources together."""
        with self._changed:
            every = self._counts.values()
            return Counts(sum(each.received for each in every), sum(each.dropped for each in every))

    def close(self) -> None:
        """Let `take` return None, now and from now on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Worker(Generic[ItemT]):
    """A thread that handles the newest items one after another, so that no ROS callback ever waits for it.

    Args:
        name: of the thread.
        items: where work is left.
        handle: called with source and item.
        on_error: called with what `handle` raised; the worker goes on.
    """

    def __init__(
        self,
        name: str,
        items: NewestItems[ItemT],
        handle: Callable[[str, ItemT], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._items = items
        self._handle = handle
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (taken := self._items.take()) is not None:
            self._handle_one(*taken)

    def _handle_one(self, source: str, item: ItemT) -> None:
        try:
            self._handle(source, item)
        except Exception as err:  # noqa: BLE001  a robot's node outlives a frame that cannot be handled
            self._on_error(err)

    def stop(self, timeout_s: float = STOP_S) -> bool:
        """Take no further item and wait for the one in progress; return whether it ended in time.

        A thread that does not end is left behind: its process can still be used, and ended.
        """
        self._items.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()
