# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which landmarks a query is matched against, and what a second place is."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization.candidates import MapViews, covisible_groups, facing, landmarks_of
from sfd2_ros.localization.hypotheses import Hypothesis, LandmarkMatches, is_other_place
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import quantise_rows
from sfd2_ros.mapping.unit_rows import encode_rows


def _landmarks(seen: list[set[int]], count: int = 60) -> Landmarks:
    generator = np.random.default_rng(0)
    normals = generator.normal(size=(count, 3)).astype(np.float32)
    return Landmarks(
        positions=generator.uniform(-3, 3, (count, 3)),
        information=np.tile(np.array([1, 0, 1, 0, 0, 1], np.float16), (count, 1)),
        descriptors=quantise_rows(np.ones((count, 4)), 3),
        stability=np.ones(count, np.float32),
        normals=encode_rows(normals),
        sessions_seen=np.ones(count, np.uint8),
        sessions_expected=np.ones(count, np.uint8),
        image_offsets=np.cumsum([0, *map(len, seen)]).astype(np.int64),
        image_landmarks=np.array([one for each in seen for one in sorted(each)], np.int32),
        image_keypoints=encode_pixels(np.zeros((sum(map(len, seen)), 2))),
    )


def _groups_slowly(seen: list[set[int]], order: list[int], least: int) -> set[frozenset[int]]:
    """Return the connected components of images that share enough landmarks."""
    groups = [{image} for image in order]
    merged = True
    while merged:
        merged = False
        for first in groups:
            for second in groups:
                linked = any(len(seen[a] & seen[b]) >= least for a in first for b in second)
                if first is not second and linked and not merged:
                    groups = [group for group in groups if group not in (first, second)] + [first | second]
                    merged = True
    return {frozenset(group) for group in groups}


@given(st.lists(st.sets(st.integers(0, 59), max_size=12), min_size=1, max_size=9), st.integers(1, 4), st.randoms())
@settings(max_examples=60, deadline=None)
def test_groups_are_the_connected_components(seen: list[set[int]], least: int, shuffler: Any) -> None:
    order = list(range(len(seen)))
    shuffler.shuffle(order)
    found = covisible_groups(_landmarks(seen), order, least)
    assert {frozenset(group) for group in found} == _groups_slowly(seen, order, least)
    assert found[0][0] == order[0]
    assert sorted(image for group in found for image in group) == sorted(order)


def test_no_images_make_no_groups() -> None:
    assert covisible_groups(_landmarks([{1}]), [], 1) == []


def test_landmarks_of_images_are_each_there_once() -> None:
    landmarks = _landmarks([{5, 3}, set(), {3, 9}])
    assert landmarks_of(landmarks, [2, 0, 1]).tolist() == [3, 5, 9]
    assert landmarks_of(landmarks, [1]).tolist() == []
    assert landmarks_of(landmarks, []).dtype == np.int64
    assert landmarks.seen_by(2).tolist() == [3, 9]


def _map_of(poses: list[np.ndarray]) -> Any:
    return SimpleNamespace(images=[SimpleNamespace(cam_from_world=inverse(pose)) for pose in poses])


def test_images_near_a_pose_look_the_same_way_nearest_first() -> None:
    away = rotation_from_vector([0, np.pi, 0])
    aside = rotation_from_vector([0, 1.2, 0])
    poses = [
        rigid(np.eye(3), [4, 0, 0]),
        rigid(away, [0, 0, 0]),
        rigid(np.eye(3), [1, 0, 0]),
        rigid(aside, [0, 0, 0.1]),
    ]
    views = MapViews(_map_of(poses))
    assert views.near(np.eye(4), 10) == [3, 2, 0]
    assert views.near(np.eye(4), 1) == [3]
    assert views.near(inverse(rigid(away, [0, 0, 0])), 10) == [1]
    assert MapViews(_map_of([])).near(np.eye(4), 3) == []


def test_landmarks_are_kept_when_seen_from_the_side_they_were_mapped_from() -> None:
    landmarks = _landmarks([{0}])
    pose = inverse(rigid(np.eye(3), [0.5, -0.2, 0.3]))
    kept = np.flatnonzero(facing(landmarks, np.arange(60), pose))
    towards = np.array([0.5, -0.2, 0.3]) - landmarks.positions
    angles = np.arccos(np.sum(towards * landmarks.normals[:], axis=1) / np.linalg.norm(towards, axis=1))
    np.testing.assert_array_equal(kept, np.flatnonzero(np.degrees(angles) < np.degrees(np.arccos(0.26))))
    assert 5 < len(kept) < 55
    assert facing(landmarks, np.empty(0, np.int64), pose).tolist() == []


def test_a_map_image_is_nearest_to_itself(random_place: Any) -> None:
    views = MapViews(load_map(random_place.map_folder))
    firsts = [views.near(image.cam_from_world, 8)[0] for image in random_place.images]
    assert firsts == list(range(8))
    distances = [np.linalg.norm(inverse(image.cam_from_world)[:3, 3]) for image in random_place.images]
    order = views.near(np.eye(4), 8)
    assert all(distances[a] <= distances[b] for a, b in pairwise(order))


def _hypothesis(pose: np.ndarray) -> Hypothesis:
    indices = np.arange(30)
    return Hypothesis(LandmarkMatches(indices, indices, np.ones(30, bool)), inverse(pose), np.ones(30, bool))


@pytest.mark.parametrize(
    ("turn", "shift", "other"),
    [(0, 0, False), (0.09, 0, False), (0.11, 0, True), (0, 0.045, False), (0, 0.055, True), (np.pi, 0, True)],
)
def test_another_place_is_a_twentieth_of_the_depth_or_a_tenth_of_a_radian_away(
    turn: float, shift: float, other: object
) -> None:
    landmarks = _landmarks([{0}])
    landmarks.positions[:] = [0, 0, 10]
    here = _hypothesis(rigid(np.eye(3), [0, 0, 0]))
    there = _hypothesis(rigid(rotation_from_vector([0, turn, 0]), [10 * shift, 0, 0]))
    assert is_other_place(there, here, landmarks) is other
