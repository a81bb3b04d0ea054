# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a query is looked for: place by place, and image by image where hardly any match agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Status
from sfd2_ros.localization import GatesConfig, Localizer
from sfd2_ros.localization.candidates import MapViews
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.context import MapContext
from sfd2_ros.localization.global_search import global_search
from sfd2_ros.localization.query import Query, View
from sfd2_ros.localization.trace import Trace
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.image_index import ImageIndex

if TYPE_CHECKING:
    from sfd2_ros.core.types import Features
    from sfd2_ros.localization.hypotheses import Hypothesis

POSE = inverse(rigid(rotation_from_vector([0.02, 0.05, 0.0]), [0.2, 0.1, 0.4]))


def _search(place: Any, features: Features) -> list[Hypothesis]:
    map_ = load_map(place.map_folder)
    context = MapContext(map_, MapViews(map_), ImageIndex(map_.aggregates), LocalizerConfig(), "cpu")
    return global_search(Query([View(features, place.camera, np.eye(4))]), context, Trace(GatesConfig()))


def _among_wrong_ones(features: Features, right: int) -> Features:
    """Return features of which only some are where their descriptors belong."""
    generator = np.random.default_rng(3)
    keypoints = features.keypoints.copy()
    keypoints[right:] = generator.uniform([5, 5], [634, 474], (len(keypoints) - right, 2))
    return replace(features, keypoints=keypoints.astype(np.float32))


def test_a_sure_query_is_looked_for_once_in_each_place(random_place: Any) -> None:
    assert len(_search(random_place, random_place.view(POSE))) == 1


def test_where_hardly_any_match_agrees_each_image_is_asked_by_itself(random_place: Any) -> None:
    features = random_place.view(POSE)
    found = _search(random_place, _among_wrong_ones(features, len(features) // 16))
    assert len(found) > 4
    assert [one.num_inliers for one in found] == sorted((one.num_inliers for one in found), reverse=True)
    np.testing.assert_allclose(found[0].body_from_map, POSE, atol=0.1)


@pytest.mark.parametrize(("share", "status"), [(0.2, Status.LOW_DISTINCT_RATIO), (0.45, Status.LOCALIZED)])
def test_a_pose_that_most_distinct_matches_contradict_is_refused(
    random_place: Any, share: float, status: Status
) -> None:
    features = random_place.view(POSE)
    misled = _among_wrong_ones(features, int(share * len(features)))
    assert Localizer(load_map(random_place.map_folder)).localize(misled, random_place.camera).status is status


@pytest.mark.parametrize(("min_distinct_share", "is_bounded"), [(0.3, True), (0.0, False)])
def test_images_of_another_place_are_rejected_by_some_thousand_draws_where_the_gate_allows_it(
    random_place: Any, min_distinct_share: float, monkeypatch: pytest.MonkeyPatch, *, is_bounded: bool
) -> None:
    solve, shares = Query.solve, []

    def counted(query: Query, *arguments: Any, **named: Any) -> Any:
        shares.append(named["min_inlier_ratio"])
        return solve(query, *arguments, **named)

    monkeypatch.setattr(Query, "solve", counted)
    config = LocalizerConfig(gates=GatesConfig(min_distinct_share=min_distinct_share))
    foreign = _among_wrong_ones(random_place.view(POSE), 0)
    found = Localizer(load_map(random_place.map_folder), config).localize(foreign, random_place.camera)
    assert not found.is_localized
    assert found.evidence.num_matches > 100
    # COLMAP draws 3 log(10^5) / share^3 times at the most, and never more than 10,000 times.
    assert (min(shares) >= 0.2) is is_bounded
