# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a frame costs, counted in matchings: nothing is matched twice with the same landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera
from sfd2_ros.geometry.grid import grid_cells
from sfd2_ros.localization import Localized, Localizer, View
from sfd2_ros.localization import guided as guided_module
from sfd2_ros.localization import hypotheses as hypotheses_module
from sfd2_ros.localization import local_search as local_search_module
from sfd2_ros.localization.context import MapContext
from sfd2_ros.localization.frames import BasePose
from sfd2_ros.localization.guided import InView, most_helpful
from sfd2_ros.localization.hypotheses import match_landmarks
from sfd2_ros.localization.local_search import Window
from sfd2_ros.localization.query import Query
from sfd2_ros.mapping import load_map

CAM_FROM_MAP = inverse(rigid(rotation_from_vector([0.02, 0.05, 0.0]), [0.2, 0.1, 0.1]))
SURE = np.diag([0.02**2] * 3 + [0.002**2] * 3)


class Counter:
    """Counts the calls of a function and passes them on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self.calls = 0
        self._function = getattr(module, name)
        monkeypatch.setattr(module, name, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Count and call."""
        self.calls += 1
        return self._function(*arguments, **named)


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def tracked(localizer: Localizer, place: Any, shift_m: float, enough_log10_false_alarms: float = -20.0) -> Localized:
    """Return the pose of a frame whose prediction is wrong by a shift."""
    predicted = inverse(CAM_FROM_MAP)
    predicted[0, 3] += shift_m
    view = View(place.view(CAM_FROM_MAP, seed=3), place.camera, np.eye(4))
    found = localizer.local_search([view], BasePose(predicted, SURE), Window(24.0, 64.0, enough_log10_false_alarms))
    assert isinstance(found, Localized), found.reason
    return found


def test_a_frame_near_its_prediction_is_matched_once(
    localizer: Localizer, random_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch, guided_module, "match_guided")
    found = tracked(localizer, random_place, 0.01)
    assert counter.calls == 1
    assert np.linalg.norm(found.map_from_base[:3, 3] - inverse(CAM_FROM_MAP)[:3, 3]) < 0.02
    assert 0 < found.evidence.num_guided <= found.evidence.num_matches


def test_a_frame_far_from_its_prediction_is_matched_again_about_its_pose(
    localizer: Localizer, random_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch, guided_module, "match_guided")
    found = tracked(localizer, random_place, 0.15)
    assert counter.calls == 2
    assert np.linalg.norm(found.map_from_base[:3, 3] - inverse(CAM_FROM_MAP)[:3, 3]) < 0.02


def test_both_ways_measure_the_same_pose(localizer: Localizer, random_place: Any) -> None:
    once, twice = tracked(localizer, random_place, 0.01), tracked(localizer, random_place, 0.15)
    assert np.linalg.norm(once.map_from_base[:3, 3] - twice.map_from_base[:3, 3]) < 0.002
    assert once.evidence.num_inliers == pytest.approx(twice.evidence.num_inliers, rel=0.02)


class LandmarkCounter(Counter):
    """Counts the landmarks that are matched in windows, by call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, guided_module, "match_guided")
        self.landmarks: list[int] = []

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Count and call."""
        self.landmarks.append(len(arguments[2]))
        return super().__call__(*arguments, **named)


@pytest.fixture
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how many landmarks of a view a pose is drawn from and measured by: fewer than the place has."""
    monkeypatch.setattr(local_search_module, "_DRAWN_FROM", 80)
    monkeypatch.setattr(local_search_module, "_HELPFUL", 160)
    return 80, 160


def test_a_frame_is_tracked_by_the_landmarks_that_help_most(
    localizer: Localizer, random_place: Any, few_landmarks: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = LandmarkCounter(monkeypatch)
    found = tracked(localizer, random_place, 0.15)
    assert len(counter.landmarks) == 2
    assert 40 < counter.landmarks[0] <= few_landmarks[0]
    assert 80 < counter.landmarks[1] <= few_landmarks[1]
    assert np.linalg.norm(found.map_from_base[:3, 3] - inverse(CAM_FROM_MAP)[:3, 3]) < 0.02


def test_where_few_landmarks_are_no_evidence_all_in_view_are_matched(
    localizer: Localizer, random_place: Any, few_landmarks: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_all = tracked(localizer, random_place, 0.01)
    monkeypatch.setattr(local_search_module, "_HELPFUL", 10_000)
    expected = tracked(localizer, random_place, 0.01)
    monkeypatch.setattr(local_search_module, "_HELPFUL", few_landmarks[1])
    assert by_all.evidence.num_inliers < expected.evidence.num_inliers
    counter = LandmarkCounter(monkeypatch)
    by_all = tracked(localizer, random_place, 0.01, enough_log10_false_alarms=-1e6)
    assert counter.landmarks[-1] > few_landmarks[1]
    np.testing.assert_array_equal(by_all.map_from_base, expected.map_from_base)
    assert by_all.evidence.gates == expected.evidence.gates


def test_helpful_landmarks_were_seen_often_are_near_and_lie_all_over_the_image() -> None:
    generator = np.random.default_rng(0)
    camera = Camera(width=640, height=480, fx=500.0, fy=500.0, cx=319.5, cy=239.5)
    # Two thirds of them in an eighth of the image.
    crowded = np.arange(900) < 600
    projections = generator.uniform([0, 0], [639, 479], (900, 2)) * np.where(crowded, 0.35, 1.0)[:, None]
    in_view = InView(
        np.arange(900), projections, generator.uniform(4.0, 40.0, 900), generator.integers(1, 20, 900).astype(np.int64)
    )
    chosen = most_helpful(in_view, camera, 200)
    cells = grid_cells(chosen.projections, camera)
    assert 150 < len(chosen) <= 200
    assert np.bincount(cells).max() <= np.ceil(2 * 200 / len(np.unique(grid_cells(projections, camera))))
    assert chosen.times_seen.mean() > 1.2 * in_view.times_seen.mean()
    assert chosen.depths.mean() < 0.9 * in_view.depths.mean()
    np.testing.assert_array_equal(projections[chosen.landmarks], chosen.projections)
    assert most_helpful(in_view, camera, 900) is in_view


def test_a_query_is_matched_once_with_the_same_landmarks(
    localizer: Localizer, random_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch, hypotheses_module, "match_distinct")
    query = Query([View(random_place.view(CAM_FROM_MAP, seed=3), random_place.camera, np.eye(4))])
    context: MapContext = localizer._context
    some, others = np.arange(50), np.arange(60)
    first = match_landmarks(query, 0, context, some)
    assert match_landmarks(query, 0, context, some.copy()) is first
    assert counter.calls == 1
    match_landmarks(query, 0, context, others)
    assert counter.calls == 2
