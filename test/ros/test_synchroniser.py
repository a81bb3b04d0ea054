# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras in and out of step, by a clock that the test steps."""

from __future__ import annotations

import pytest

from sfd2_ros.ros.synchroniser import Synchroniser

MS = 1_000_000
T = 1_700_000_000_000 * MS


class Stepped:
    """A synchroniser of three cameras, 10 ms tolerance, 50 ms wait, with a clock of milliseconds."""

    def __init__(self) -> None:
        self.sync: Synchroniser[str] = Synchroniser(["left", "rear", "right"], tolerance_ns=10 * MS, wait_ns=50 * MS)

    def put(self, source: str, stamp_ms: float, now_ms: float) -> list[list[str]]:
        return self.sync.put(source, T + int(stamp_ms * MS), f"{source}@{stamp_ms:g}", int(now_ms * MS))

    def due(self, now_ms: float) -> list[list[str]]:
        return self.sync.due(int(now_ms * MS))


@pytest.fixture
def cameras() -> Stepped:
    return Stepped()


def test_a_group_is_given_when_all_cameras_have_come_in_their_order(cameras: Stepped) -> None:
    assert cameras.put("right", 0, 20) == []
    assert cameras.put("left", 4, 25) == []
    assert cameras.put("rear", -9, 30) == [["left@4", "rear@-9", "right@0"]]
    assert cameras.due(1000) == []


def test_stamps_beyond_the_tolerance_are_of_another_moment(cameras: Stepped) -> None:
    cameras.put("left", 0, 0)
    cameras.put("rear", 11, 0)
    assert cameras.put("right", 5, 1) == []
    assert cameras.due(50) == [["left@0", "right@5"], ["rear@11"]]


def test_a_missing_camera_is_waited_for_and_then_done_without(cameras: Stepped) -> None:
    cameras.put("left", 0, 0)
    cameras.put("rear", 0, 10)
    assert cameras.due(49) == []
    assert cameras.due(50) == [["left@0", "rear@0"]]
    assert cameras.put("right", 0, 51) == []
    assert cameras.due(500) == []
    assert cameras.sync.late == 1


def test_a_camera_that_stays_away_is_not_waited_for_until_it_is_back(cameras: Stepped) -> None:
    for source in ("left", "rear", "right"):
        cameras.put(source, 0, 0)
    waits = []
    for stamp in range(100, 1500, 100):
        cameras.put("left", stamp, stamp)
        given = cameras.put("rear", stamp, stamp + 1)
        waits.append(not given)
        if not given:
            assert cameras.due(stamp + 50) == [[f"left@{stamp}", f"rear@{stamp}"]]
    assert waits == [True] * 3 + [False] * 11
    cameras.put("left", 1500, 1500)
    assert cameras.put("right", 1500, 1501) == []
    assert cameras.put("rear", 1500, 1502) == [["left@1500", "rear@1500", "right@1500"]]


def test_slow_cameras_are_waited_for_like_quick_ones(cameras: Stepped) -> None:
    for stamp in range(0, 50_000, 5_000):
        cameras.put("rear", stamp, stamp)
        cameras.put("left", stamp, stamp + 5)
        assert cameras.put("right", stamp, stamp + 9) == [[f"{name}@{stamp}" for name in ("left", "rear", "right")]]


def test_a_whole_group_gives_out_older_ones_first(cameras: Stepped) -> None:
    cameras.put("left", 0, 0)
    cameras.put("left", 100, 10)
    cameras.put("rear", 100, 10)
    assert cameras.put("right", 100, 10) == [["left@0"], ["left@100", "rear@100", "right@100"]]


def test_the_same_camera_twice_within_the_tolerance_makes_two_groups(cameras: Stepped) -> None:
    cameras.put("left", 0, 0)
    cameras.put("left", 5, 1)
    assert cameras.due(51) == [["left@0"], ["left@5"]]


def test_time_that_jumps_back_starts_anew(cameras: Stepped) -> None:
    for source in ("left", "rear", "right"):
        cameras.put(source, 10_000, 0)
    cameras.put("left", 11_000, 5)
    for source in ("left", "rear"):
        assert cameras.put(source, 0, 10) == []
    assert cameras.put("right", 0, 10) == [["left@0", "rear@0", "right@0"]]


def test_one_camera_alone_is_given_at_once() -> None:
    alone: Synchroniser[int] = Synchroniser(["camera"], tolerance_ns=0, wait_ns=10)
    assert alone.put("camera", 5, 1, 0) == [[1]]
    assert alone.put("camera", 6, 2, 0) == [[2]]
