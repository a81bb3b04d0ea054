# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

from sfd2_ros.ros.newest import Counts, CountsSince, NewestItems, Worker

TIMEOUT_S = 10.0


def test_newest_item_replaces_what_was_not_taken_and_the_drop_is_counted() -> None:
    items: NewestItems[int] = NewestItems()
    for number in range(5):
        items.put("front", number)
    assert items.take() == ("front", 4)
    assert items.counts("front") == Counts(received=5, dropped=4)


def test_sources_take_turns_however_fast_one_of_them_is() -> None:
    items: NewestItems[int] = NewestItems()
    taken = []
    items.put("fast", 0)
    items.put("slow", 0)
    for number in range(1, 3):
        for _ in range(10):
            items.put("fast", number)
        taken.append(items.take())
    assert taken == [("fast", 1), ("slow", 0)]
    assert items.total().received == 22


def test_counts_since_the_last_call_begin_anew_with_the_node() -> None:
    since = CountsSince()
    assert since.ask(Counts(10, 4), 5.0)[0] == Counts(10, 4)
    assert since.ask(Counts(13, 4), 7.5) == (Counts(3, 0), 2.5)
    assert since.ask(Counts(2, 1), 8.0) == (Counts(2, 1), 0.5)


def test_closing_wakes_who_waits() -> None:
    items: NewestItems[int] = NewestItems()
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(items.take()))
    waiting.start()
    items.close()
    waiting.join(TIMEOUT_S)
    assert answers == [None]


def test_worker_drops_what_comes_while_it_is_busy_and_ends_on_the_newest() -> None:
    items: NewestItems[int] = NewestItems()
    busy, go_on, done = threading.Event(), threading.Event(), threading.Event()
    handled = []

    def handle(source: str, item: int) -> None:
        handled.append(item)
        busy.set()
        assert go_on.wait(TIMEOUT_S)
        if item == 9:
            done.set()

    worker = Worker("test", items, handle, on_error=[].append)
    items.put("front", 0)
    assert busy.wait(TIMEOUT_S)
    for number in range(1, 10):
        items.put("front", number)
    go_on.set()
    assert done.wait(TIMEOUT_S)
    worker.stop()
    assert handled == [0, 9]
    assert items.counts("front") == Counts(received=10, dropped=8)


def test_worker_outlives_an_item_that_cannot_be_handled() -> None:
    items: NewestItems[int] = NewestItems()
    errors: list[Exception] = []
    failed, handled = threading.Event(), threading.Event()

    def handle(source: str, item: int) -> None:
        if item == 0:
            raise ValueError("no such item")
        handled.set()

    def report(error: Exception) -> None:
        errors.append(error)
        failed.set()

    worker = Worker("test", items, handle, report)
    items.put("front", 0)
    assert failed.wait(TIMEOUT_S)
    items.put("front", 1)
    assert handled.wait(TIMEOUT_S)
    worker.stop()
    assert [str(error) for error in errors] == ["no such item"]


def test_worker_that_does_not_end_is_left_behind_after_a_time() -> None:
    items: NewestItems[int] = NewestItems()
    busy, go_on = threading.Event(), threading.Event()

    def handle(source: str, item: int) -> None:
        busy.set()
        assert go_on.wait(TIMEOUT_S)

    worker = Worker("test", items, handle, on_error=[].append)
    items.put("front", 0)
    assert busy.wait(TIMEOUT_S)
    assert not worker.stop(timeout_s=0.1)
    go_on.set()
    assert worker.stop()
