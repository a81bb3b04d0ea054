# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker on drives through a place of random points: every state and transition."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Features, Status
from sfd2_ros.localization import Localized, Localizer, Result
from sfd2_ros.localization.chance import log10_false_alarms, smallest_rare_count
from sfd2_ros.localization.hint import PlaceHint
from sfd2_ros.localization.query import View
from sfd2_ros.localization.states import Method, RobotState
from sfd2_ros.localization.tracker import RigFrame, Tracker, TrackerMemory
from sfd2_ros.localization.tracker_config import TrackerConfig
from sfd2_ros.mapping import load_map

UNINITIALIZED, RELOCALIZING, TRACKING, LOST = RobotState
PERIOD_NS = 100_000_000
BASE_FROM_CAM = rigid(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), [0.5, 0.1, 1.2])
# The random place lies in the frame of an optical camera; the robot drives sideways along its x axis.


def base_at(number: float) -> np.ndarray:
    """Return the true map_from_base of a frame."""
    cam = rigid(rotation_from_vector([0.02, 0.01 * number, 0.0]), [0.15 * number - 1, 0.1, 0.05 * number])
    return cam @ inverse(BASE_FROM_CAM)


@dataclass(frozen=True)
class Answer:
    """The result of a frame with the state after it."""

    estimate: Result
    state: RobotState

    @property
    def method(self) -> Method:
        return Method(self.estimate.evidence.method)

    @property
    def jump(self) -> float:
        return self.estimate.evidence.jump


class Drive:
    """A drive whose odometry has a scale that is wrong by two per cent; `jump` carries the robot off unnoticed."""

    def __init__(self, place: Any, localizer: Localizer, config: TrackerConfig | None = None) -> None:
        self.place = place
        self.tracker = Tracker(localizer, config)
        self.has_odometry = True

    def frame(self, number: float, *, at: float | None = None, features: Features | None = None) -> RigFrame:
        """Return frame `number` of odometry, seen from where the robot is at `at`."""
        truth = base_at(number if at is None else at)
        if features is None:
            features = self.place.view(inverse(truth @ BASE_FROM_CAM), seed=int(10 * number))
        odom = inverse(base_at(0)) @ base_at(number)
        odom[:3, 3] *= 1.02
        view = View(features, self.place.camera, BASE_FROM_CAM)
        return RigFrame(1_000 + int(number * PERIOD_NS), [view], odom if self.has_odometry else None)

    def go(self, number: float, *, hint: PlaceHint | None = None, **changes: Any) -> Answer:
        return Answer(self.tracker.process(self.frame(number, **changes), hint), self.tracker.state)


def off_m(found: Answer, number: float) -> float:
    assert isinstance(found.estimate, Localized), found.estimate.reason
    return float(np.linalg.norm(found.estimate.map_from_base[:3, 3] - base_at(number)[:3, 3]))


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


@pytest.fixture
def drive(random_place: Any, localizer: Localizer) -> Drive:
    return Drive(random_place, localizer)


def foreign(seed: int = 0, count: int = 600) -> Features:
    generator = np.random.default_rng(1000 + seed)
    rows = generator.normal(size=(count, 64)).astype(np.float32)
    ones = np.ones(count, np.float32)
    pixels = generator.uniform([0, 0], [639, 479], (count, 2)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Features(pixels, ones, ones, unit, (480, 640), "random-64d")


def test_the_first_frame_is_searched_the_next_ones_are_tracked(drive: Drive) -> None:
    assert drive.tracker.state is UNINITIALIZED
    found = [drive.go(number) for number in range(9)]
    assert [one.method for one in found] == [Method.SEARCHED] + [Method.TRACKED] * 8
    assert {one.state for one in found} == {TRACKING}
    assert all(off_m(one, number) < 0.05 for number, one in enumerate(found))
    assert np.isnan(found[0].jump)
    assert all(one.jump < 30 for one in found[1:])
    assert "retrieve" in found[0].estimate.evidence.seconds
    assert all("retrieve" not in one.estimate.evidence.seconds for one in found[1:])


def test_no_time_of_a_frame_is_counted_twice(drive: Drive) -> None:
    for number in range(12):  # searched, tracked, and confirmed: both
        frame = drive.frame(number)
        started = time.perf_counter()
        found = drive.tracker.process(frame)
        assert 0 < sum(found.evidence.seconds.values()) <= time.perf_counter() - started


def test_the_search_confirms_every_tenth_frame(drive: Drive) -> None:
    methods = [drive.go(number / 2).method for number in range(21)]
    assert [number for number, method in enumerate(methods) if method is not Method.TRACKED] == [0, 10, 20]
    assert methods[10] is methods[20] is Method.VERIFIED


@pytest.mark.parametrize("seed", range(3))
def test_an_image_of_another_place_is_refused_while_tracking(drive: Drive, seed: int) -> None:
    for number in range(3):
        drive.go(number)
    refused = drive.go(3, features=foreign(seed))
    assert not refused.estimate.is_localized
    assert refused.state is LOST
    assert "near the predicted pose" in refused.estimate.reason
    back = drive.go(4)
    assert (back.state, back.method) == (TRACKING, Method.VERIFIED)
    assert off_m(back, 4) < 0.05


def test_shuffled_keypoints_give_no_evidence_near_the_prediction(drive: Drive) -> None:
    """The right descriptors, each moved to a random spot in its window: they all match, and agree on nothing."""
    for number in range(3):
        drive.go(number)
    seen = drive.place.view(inverse(base_at(3) @ BASE_FROM_CAM))
    moved = seen.keypoints + np.random.default_rng(0).uniform(-16, 16, seen.keypoints.shape).astype(np.float32)
    inside = np.clip(moved, 0, [639, 479]).astype(np.float32)
    refused = drive.go(3, features=replace(seen, keypoints=inside))
    assert not refused.estimate.is_localized
    assert "near the predicted pose: " in refused.estimate.reason
    assert drive.go(4).estimate.is_localized


def test_a_kidnapped_robot_is_noticed_and_found_two_frames_later(drive: Drive) -> None:
    for number in range(3):
        drive.go(number)
    first = drive.go(3, at=11)
    assert (first.estimate.status, first.state) == (Status.IMPLAUSIBLE_JUMP, RELOCALIZING)
    assert "contradicts the prediction" in first.estimate.reason
    second = drive.go(4, at=12)
    assert (second.estimate.status, second.state) == (Status.LOCALIZED, TRACKING)
    assert off_m(second, 12) < 0.05
    third = drive.go(5, at=13)
    assert third.method is Method.TRACKED
    assert off_m(third, 13) < 0.05


def test_one_frame_from_elsewhere_does_not_carry_the_robot_off(drive: Drive) -> None:
    for number in range(3):
        drive.go(number)
    assert drive.go(3, at=11).estimate.status is Status.IMPLAUSIBLE_JUMP
    back = drive.go(4)
    assert off_m(back, 4) < 0.05
    assert drive.go(5, at=11).estimate.status is Status.IMPLAUSIBLE_JUMP, "the count starts anew"


def test_frames_that_disagree_with_each_other_are_never_believed(drive: Drive) -> None:
    drive.go(0)
    for number, at in enumerate([11, 5, 12, 6, 13], start=1):
        assert not drive.go(number, at=at).estimate.is_localized


def test_a_wrong_first_fix_does_not_lock_the_robot_in(drive: Drive) -> None:
    assert off_m(drive.go(0, at=12), 12) < 0.05
    found = [drive.go(number) for number in range(1, 4)]
    assert [one.estimate.is_localized for one in found] == [False, True, True]
    assert off_m(found[-1], 3) < 0.05


def test_without_odometry_the_robot_is_expected_to_go_on_as_before(drive: Drive) -> None:
    drive.has_odometry = False
    found = [drive.go(number) for number in range(6)]
    assert [one.method for one in found] == [Method.SEARCHED] * 2 + [Method.TRACKED] * 4
    assert all(off_m(one, number) < 0.05 for number, one in enumerate(found))


def test_a_stamp_that_goes_back_is_searched(drive: Drive) -> None:
    drive.has_odometry = False
    for number in range(4):
        drive.go(number)
    again = drive.go(1)
    assert (again.estimate.is_localized, again.method) == (True, Method.SEARCHED)


def test_a_frame_that_cannot_be_used_loses_only_a_robot_that_was_known(drive: Drive) -> None:
    assert drive.tracker.missed() is UNINITIALIZED
    drive.go(0)
    assert drive.tracker.missed() is LOST
    assert drive.go(1).state is TRACKING


def test_a_hint_rejects_what_contradicts_it_and_accepts_what_does_not(random_place: Any, localizer: Localizer) -> None:
    drive = Drive(random_place, localizer)
    drive.tracker = Tracker(localizer, memory=TrackerMemory(RELOCALIZING))
    variances = np.array([0.25, 0.25, 0.25, 0, 0, 0])
    far = PlaceHint(base_at(0) @ rigid(np.eye(3), [20.0, 0, 0]), variances)
    refused = drive.go(0, hint=far)
    assert (refused.estimate.status, refused.state) == (Status.IMPLAUSIBLE_JUMP, RELOCALIZING)
    assert "from the hint" in refused.estimate.reason
    found = drive.go(1, hint=PlaceHint(base_at(1), variances))
    assert (found.estimate.status, found.state) == (Status.LOCALIZED, TRACKING)


def test_what_a_search_cannot_confirm_is_believed_only_while_it_is_sure(
    random_place: Any, localizer: Localizer
) -> None:
    """A search that finds nothing does not contradict; but weak evidence near the prediction alone is not enough."""

    class Blind:
        """A localizer whose search of the whole map finds nothing once the robot is known."""

        map = localizer.map
        config = localizer.config
        local_search = staticmethod(localizer.local_search)
        searches = 0

        def localize_rig(self, views: Any, near: Any = None) -> Any:
            assert near is None
            self.searches += 1
            return localizer.localize_rig(views if self.searches == 1 else [replace(views[0], features=foreign())])

    for config, expected in (
        (TrackerConfig(verify_every=1), [True, True, True]),
        (TrackerConfig(verify_every=1, sure_log10_false_alarms=-100000.0), [True, False, False]),
        (TrackerConfig(verify_every=1, max_unverified=1), [True, True, False]),
    ):
        drive = Drive(random_place, localizer)
        drive.tracker = Tracker(Blind(), config)  # type: ignore[arg-type]
        assert [drive.go(number).estimate.is_localized for number in range(3)] == expected


def test_a_search_that_finds_another_place_than_tracking_stops_both(random_place: Any, localizer: Localizer) -> None:
    """Two measurements of one image that contradict each other: neither is published."""

    class Elsewhere:
        map = localizer.map
        config = localizer.config
        local_search = staticmethod(localizer.local_search)

        def localize_rig(self, views: Any, near: Any = None) -> Any:
            found = localizer.localize_rig(views, near=near)
            if drive.tracker.state is RobotState.UNINITIALIZED:
                return found
            away = rigid(np.eye(3), [2.0, 0, 0]) @ found.map_from_base
            return replace(found, map_from_base=away)

    drive = Drive(random_place, localizer)
    drive.tracker = Tracker(Elsewhere(), TrackerConfig(verify_every=2))  # type: ignore[arg-type]
    assert [drive.go(number).method for number in range(2)] == [Method.SEARCHED, Method.TRACKED]
    stopped = drive.go(2)
    assert (stopped.estimate.status, stopped.state) == (Status.IMPLAUSIBLE_JUMP, RELOCALIZING)


def test_switched_off_every_frame_is_searched_and_gated(random_place: Any, localizer: Localizer) -> None:
    drive = Drive(random_place, localizer, TrackerConfig(enabled=False))
    assert [drive.go(number).method for number in range(3)] == [Method.SEARCHED] * 3
    assert drive.go(3, at=11).estimate.status is Status.IMPLAUSIBLE_JUMP


def test_base_poses_of_the_tracker_have_their_covariance_about_the_base(drive: Drive) -> None:
    found = [drive.go(number) for number in range(4)]
    for number, one in enumerate(found):
        base = one.estimate
        assert isinstance(base, Localized)
        error = base.map_from_base[:3, 3] - base_at(number)[:3, 3]
        assert np.all(np.abs(error) < 4 * np.sqrt(np.diag(base.covariance)[:3]))


@pytest.mark.parametrize("num_matches", [0, 5, 40, 300, 900])
@pytest.mark.parametrize("radius_px", [24.0, 31.0, 64.0])
@pytest.mark.parametrize("at_least", [0, 12, 90])
def test_fewer_than_the_rare_count_agree_by_chance_and_more_do_not(
    num_matches: int, radius_px: float, at_least: int
) -> None:
    reach_px, limit, area_px = 8.0, -4.0, float(np.pi * radius_px**2)
    rare = smallest_rare_count(num_matches, at_least, radius_px=reach_px, area_px=area_px, max_log10_false_alarms=limit)
    counts = np.arange(at_least, num_matches + 1)
    alarms = [
        log10_false_alarms(num_matches=num_matches, num_agreeing=int(count), radius_px=reach_px, area_px=area_px)
        for count in counts
    ]
    np.testing.assert_array_equal(counts >= rare, np.array(alarms) <= limit)
