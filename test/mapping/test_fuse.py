# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks of sessions: the same point is one, with a look for each light; what is no longer found fades."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.fuse import (
    MIN_SURVIVAL,
    USUAL_SURVIVAL,
    best_landmarks,
    faded,
    fuse,
    redundant_images,
    survival,
    without,
)
from sfd2_ros.mapping.quantised_rows import quantise_rows
from sfd2_ros.mapping.same_points import find_same_points, visible_in_session
from sfd2_ros.mapping.tiles import first_of_point, in_tiles
from sfd2_ros.matching.nearest import match_distinct

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.mapping import Map
    from sfd2_ros.mapping.landmarks import Landmarks

STD_M = 0.02


@pytest.fixture(scope="module")
def base(random_place: Any) -> Map:
    return load_map(random_place.map_folder)


@pytest.fixture(scope="module")
def again(random_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Map:
    folder = tmp_path_factory.mktemp("again") / "map"
    random_place.map_again(folder, np.eye(4))
    return load_map(folder)


@pytest.fixture(scope="module")
def by_night(again: Map) -> Landmarks:
    """Return the landmarks of the second session with other descriptors: each looks different."""
    noise = np.random.default_rng(4).normal(size=again.landmarks.descriptors.shape)
    return replace(again.landmarks, descriptors=quantise_rows(noise, 3))


def _truth(landmarks: Landmarks, place: Any) -> np.ndarray:
    squares = np.square(landmarks.positions[:, None] - place.positions[None]).sum(axis=2)
    nearest: np.ndarray = squares.argmin(axis=1)
    return nearest


def test_the_same_points_are_found_and_no_others(base: Map, again: Map, random_place: Any) -> None:
    same = find_same_points(base.landmarks, again.landmarks, alignment_std_m=STD_M)
    one, two = _truth(base.landmarks, random_place)[same.base], _truth(again.landmarks, random_place)[same.other]
    assert np.mean(one == two) > 0.99
    assert len(same.base) > 0.9 * len(np.intersect1d(_truth(base.landmarks, random_place), two))
    assert same.same_look.mean() > 0.95
    assert len(np.unique(same.base)) == len(np.unique(same.other)) == len(same.base)


def test_points_that_look_different_are_found_by_their_place_alone(
    base: Map, by_night: Landmarks, random_place: Any
) -> None:
    same = find_same_points(base.landmarks, by_night, alignment_std_m=STD_M)
    assert not same.same_look.any()
    one, two = _truth(base.landmarks, random_place)[same.base], _truth(by_night, random_place)[same.other]
    assert np.mean(one == two) > 0.95
    assert len(same.base) > 0.5 * len(by_night)


def test_a_point_with_two_looks_has_two_landmarks_at_one_position(base: Map, again: Map, by_night: Landmarks) -> None:
    fused = fuse(base.landmarks, by_night, again.images, alignment_std_m=STD_M)
    assert len(fused.landmarks) == len(base.landmarks) + len(by_night)
    point = first_of_point(fused.landmarks.positions)
    assert fused.same_points > 0.5 * len(by_night)
    assert len(np.unique(point)) == len(fused.landmarks) - fused.same_points
    assert np.all(
        fused.landmarks.sessions_seen[: len(base.landmarks)][np.bincount(point)[: len(base.landmarks)] == 2] == 2
    )


def test_looks_of_a_point_follow_each_other_in_the_files(base: Map, again: Map, by_night: Landmarks) -> None:
    fused = fuse(base.landmarks, by_night, again.images, alignment_std_m=STD_M)
    ordered, _ = in_tiles([*base.images, *again.images], fused.landmarks)
    numbers = ordered.points_of(np.arange(len(ordered)))
    assert numbers[-1] + 1 == len(np.unique(ordered.positions, axis=0))
    assert ordered.points_of(np.empty(0, np.int64)).shape == (0,)


def test_a_session_counts_for_what_it_could_have_seen(base: Map, again: Map) -> None:
    could = visible_in_session(base.landmarks, again.landmarks, again.images)
    seen = np.unique(np.concatenate([base.landmarks.seen_by(index) for index in range(1, 6)]))
    assert could[seen].mean() > 0.9
    nothing = visible_in_session(base.landmarks, again.landmarks.of_images([]), [])
    assert not nothing.any()


def test_points_that_are_no_longer_found_fade(base: Map, random_place: Any, tmp_path: Path) -> None:
    gone = np.arange(len(base.landmarks)) % 3 == 0
    gone_points = _truth(base.landmarks, random_place)[gone]
    current = base.landmarks
    for number in range(4):
        random_place.map_again(tmp_path / str(number) / "map", np.eye(4), seed=300 + 10 * number)
        session = load_map(tmp_path / str(number) / "map")
        kept = ~np.isin(_truth(session.landmarks, random_place), gone_points)
        remaining = without(session.landmarks, kept, range(len(session.images)))
        current = fuse(current, remaining, session.images, alignment_std_m=STD_M).landmarks
    expected = current.sessions_expected[: len(gone)] >= 5
    is_faded = faded(current)[: len(gone)]
    assert expected.sum() > 0.8 * len(gone)
    assert is_faded[expected & gone].mean() > 0.95
    assert is_faded[~gone].mean() < 0.02


def test_what_is_left_out_is_left_out_everywhere(base: Map) -> None:
    landmarks = base.landmarks
    kept = best_landmarks(landmarks, len(landmarks) // 2)
    assert len(landmarks) // 2 <= kept.sum() <= 0.6 * len(landmarks)
    some = without(landmarks, kept, [0, 2, 5])
    for number, image in enumerate([0, 2, 5]):
        before = landmarks.seen_by(image)[kept[landmarks.seen_by(image)]]
        np.testing.assert_array_equal(some.positions[some.seen_by(number)], landmarks.positions[before])
        np.testing.assert_array_equal(
            some.keypoints_of(number), landmarks.keypoints_of(image)[kept[landmarks.seen_by(image)]]
        )
    assert np.bincount(some.image_landmarks, minlength=len(some)).min() >= 1


def test_of_images_that_resemble_one_of_another_session_one_is_left_out() -> None:
    day, night = np.eye(4)[0], np.eye(4)[1]
    near_day = 0.9 * day + np.sqrt(1 - 0.81) * np.eye(4)[2]
    vectors = np.array([day, day, night, near_day, day], np.float32)
    places = np.array([[0.0, 0, 0], [5.0, 0, 0], [0.0, 0, 0], [0.0, 0, 0], [500.0, 0, 0]])
    sessions = np.array([0, 0, 1, 2, 3])
    assert redundant_images(vectors, places, sessions, 5) == []
    assert redundant_images(vectors, places, sessions, 4) == [0]
    assert 2 not in redundant_images(vectors, places, sessions, 3)
    assert redundant_images(vectors, places, np.zeros(5, np.int64), 1) == []


def test_a_new_point_ranks_above_one_that_is_seldom_observed_and_below_one_that_often_is(base: Map) -> None:
    count = len(base.landmarks)
    seen, expected = np.ones(count, np.uint8), np.ones(count, np.uint8)
    seen[0], expected[0] = 6, 10
    seen[1], expected[1] = 2, 10
    of_all = survival(replace(base.landmarks, sessions_seen=seen, sessions_expected=expected))
    assert of_all[2] == pytest.approx(USUAL_SURVIVAL)
    assert of_all[1] < MIN_SURVIVAL < of_all[2] < of_all[0]


def test_the_ratio_test_compares_with_another_point_than_the_nearest() -> None:
    """Two looks of one point are alike: they must not make each other's matches ambiguous."""
    generator = np.random.default_rng(0)
    target = generator.normal(size=(30, 16)).astype(np.float32)
    target[1::2] = target[::2] + 0.01 * generator.normal(size=(15, 16)).astype(np.float32)
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    query = target[::2] + 0.01
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    points = np.arange(30) // 2
    assert match_distinct(query, target, ratio=0.7).is_distinct.mean() < 0.5
    assert match_distinct(query, target, ratio=0.7, points=points).is_distinct.all()
    alone = match_distinct(query, target, ratio=0.7, points=np.arange(30))
    np.testing.assert_array_equal(alone.is_distinct, match_distinct(query, target, ratio=0.7).is_distinct)
