# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a frame costs, counted in matchings: nothing is matched twice with the same landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization import Localized, Localizer, View
from sfd2_ros.localization import guided as guided_module
from sfd2_ros.localization import hypotheses as hypotheses_module
from sfd2_ros.localization.context import MapContext
from sfd2_ros.localization.frames import BasePose
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


def tracked(localizer: Localizer, place: Any, shift_m: float) -> Localized:
    """Return the pose of a frame whose prediction is wrong by a shift."""
    predicted = inverse(CAM_FROM_MAP)
    predicted[0, 3] += shift_m
    view = View(place.view(CAM_FROM_MAP, seed=3), place.camera, np.eye(4))
    found = localizer.local_search([view], BasePose(predicted, SURE), Window(24.0, 64.0))
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
