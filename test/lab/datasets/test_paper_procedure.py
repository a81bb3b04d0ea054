# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The procedure of the released code, on a place of random points; maps of some of their images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_lab.datasets.benchmarks.paper_procedure import PaperLocalizer
from sfd2_lab.datasets.benchmarks.procedures import PaperConfig, procedure_for
from sfd2_lab.datasets.benchmarks.subset import map_of_images
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.evaluation.metrics import pose_error
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from test.conftest import RandomPlace

POSE = inverse(rigid(rotation_from_vector([0.01, -0.05, 0.02]), [0.3, 0.2, 0.4]))


@pytest.mark.parametrize("rank", ["near", "shared"])
def test_the_first_good_candidate_is_refined_to_the_true_pose(random_place: RandomPlace, rank: str) -> None:
    map_ = load_map(random_place.map_folder)
    localizer = PaperLocalizer(map_, PaperConfig(enough_inliers=50, rank=rank))
    found = localizer.localize(random_place.view(POSE, seed=3), random_place.camera, [7, 0, 3])
    metres, degrees = pose_error(found.cam_from_map, POSE)
    assert found.status == "localized"
    assert found.num_inliers > 100
    assert metres < 0.02
    assert degrees < 0.1


def test_without_a_pose_that_of_the_most_similar_image_is_returned_and_marked(random_place: RandomPlace) -> None:
    map_ = load_map(random_place.map_folder)
    strange = random_place.view(POSE, seed=3)
    shuffled = np.random.default_rng(0).normal(size=strange.descriptors.shape).astype(np.float32)
    strange.descriptors[:] = shuffled / np.linalg.norm(shuffled, axis=1, keepdims=True)
    found = PaperLocalizer(map_, PaperConfig()).localize(strange, random_place.camera, [5, 2])
    assert found.status == "retrieved"
    assert found.num_inliers == 0
    assert np.array_equal(found.cam_from_map, map_.images[5].cam_from_world)


def test_a_map_of_some_images_knows_only_their_landmarks(random_place: RandomPlace) -> None:
    map_ = load_map(random_place.map_folder)
    some = map_of_images(map_, [6, 2])
    assert [image.name for image in some.images] == [map_.images[6].name, map_.images[2].name]
    assert np.array_equal(some.landmarks.seen_by(0), map_.landmarks.seen_by(6))
    assert np.array_equal(some.landmarks.seen_by(1), map_.landmarks.seen_by(2))
    assert np.array_equal(some.aggregates[0], map_.aggregates[6])
    estimate = Localizer(some).localize(random_place.view(POSE, seed=4), random_place.camera)
    assert set(estimate.evidence.candidates) == {image.name for image in some.images}
    assert estimate.is_localized
    assert pose_error(inverse(estimate.map_from_cam), POSE)[0] < 0.05


def test_settings_of_the_paper_differ_by_benchmark() -> None:
    robotcar = procedure_for("paper", "robotcar-seasons-v2")
    assert robotcar.paper == PaperConfig(20, 12.0, 20, 100, 20.0, "near")
    assert robotcar.extraction.max_keypoints == 4096
    assert procedure_for("paper", "aachen-v1.1").paper == PaperConfig(50, 15.0, 50, 10, 30.0, "shared")
    cmu = procedure_for("paper", "cmu")
    assert cmu.paper == PaperConfig(10, 15.0, 10, 20, 30.0, "shared")
    assert cmu.extraction.max_side_px == 1024
    assert procedure_for("ours", "cmu").paper is None
    with pytest.raises(Exception, match="'best'"):
        procedure_for("best", "cmu")
