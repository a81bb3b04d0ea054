# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The localizer in a place of random points: a pose near the truth, or the reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.core.types import Camera, Features, Status
from sfd2_ros.localization import GatesConfig, Localized, Localizer, LocalizerConfig, MatchingConfig, Rejected, Result
from sfd2_ros.mapping import load_map

POSE = inverse(rigid(rotation_from_vector([0.03, 0.02, 0.04]), [0.2, 0.3, 0.4]))


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def _part(features: Features, chosen: Any) -> Features:
    arrays = {name: getattr(features, name)[chosen] for name in ("keypoints", "scores", "stability", "descriptors")}
    return replace(features, **arrays)


def _refused(estimate: Result, status: Status, said: str) -> None:
    assert estimate.status is status, estimate.reason
    assert said in estimate.reason
    assert isinstance(estimate, Rejected)


def _deviations(estimate: Result, truth: np.ndarray) -> np.ndarray:
    assert isinstance(estimate, Localized), estimate.reason
    here, there = estimate.map_from_cam, inverse(truth)
    error = np.concatenate([here[:3, 3] - there[:3, 3], vector_from_rotation(here @ inverse(there))])
    return np.abs(error) / np.sqrt(np.diag(estimate.covariance))


@pytest.mark.parametrize("seed", range(4))
def test_a_view_is_localized_within_its_covariance(localizer: Localizer, random_place: Any, seed: int) -> None:
    estimate = localizer.localize(random_place.view(POSE, seed=seed), random_place.camera)
    assert isinstance(estimate, Localized), estimate.reason
    assert np.linalg.norm(estimate.map_from_cam[:3, 3] - inverse(POSE)[:3, 3]) < 0.05
    assert np.all(_deviations(estimate, POSE) < 4)
    evidence = estimate.evidence
    assert 100 < evidence.num_inliers <= evidence.num_guided <= evidence.num_keypoints
    assert 100 < evidence.num_matches <= evidence.num_keypoints
    assert len(evidence.inlier_keypoints) == len(evidence.inlier_landmarks) == evidence.num_inliers
    assert evidence.reprojection_error_px < 2
    assert evidence.spread > 0.3
    assert evidence.log10_false_alarms < -100
    assert len(evidence.candidates) == len(random_place.images)
    assert {"retrieve", "match", "pose"} <= set(evidence.seconds)


def test_inliers_are_pairs_of_a_keypoint_and_the_landmark_it_shows(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    evidence = localizer.localize(features, random_place.camera).evidence
    landmarks = localizer.map.landmarks
    likeness = np.sum(
        features.descriptors[evidence.inlier_keypoints] * landmarks.descriptors[evidence.inlier_landmarks], axis=1
    )
    assert likeness.min() > 0.5


def test_a_map_image_is_found_where_it_is(localizer: Localizer, random_place: Any) -> None:
    for image, features in zip(random_place.images[:3], random_place.features, strict=False):
        estimate = localizer.localize(features, image.camera)
        assert estimate.evidence.candidates[0] == image.name
        assert np.all(_deviations(estimate, image.cam_from_world) < 5)


def test_another_camera_localizes_in_the_same_map(localizer: Localizer, random_place: Any) -> None:
    fisheye = Camera(800, 600, 420, 430, 395, 301, "equidistant", (0.02, 0.001, 0.0, 0.0))
    estimate = localizer.localize(random_place.view(POSE, camera=fisheye), fisheye)
    assert np.all(_deviations(estimate, POSE) < 4)


def test_the_answer_is_the_same_every_time(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    one, two = (localizer.localize(features, random_place.camera) for _ in range(2))
    np.testing.assert_array_equal(one.map_from_cam, two.map_from_cam)
    np.testing.assert_array_equal(one.covariance, two.covariance)


def test_the_order_of_keypoints_does_not_matter(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    order = np.random.default_rng(0).permutation(len(features))
    one = localizer.localize(features, random_place.camera)
    two = localizer.localize(_part(features, order), random_place.camera)
    assert isinstance(one, Localized)
    np.testing.assert_allclose(one.map_from_cam, two.map_from_cam, atol=2e-3)


@pytest.mark.parametrize("count", [0, 1, 11])
def test_too_few_keypoints_are_refused(localizer: Localizer, random_place: Any, count: int) -> None:
    features = _part(random_place.view(POSE), np.arange(count))
    estimate = localizer.localize(features, random_place.camera)
    _refused(estimate, Status.NO_FEATURES, f"{count} keypoints found, 12 are needed")
    assert estimate.evidence.num_keypoints == count


def test_features_of_other_weights_are_refused(localizer: Localizer, random_place: Any) -> None:
    features = replace(random_place.view(POSE), weights_id="other")
    _refused(
        localizer.localize(features, random_place.camera), Status.WRONG_WEIGHTS, "'other', the map of 'random-64d'"
    )


@pytest.mark.parametrize(("width", "height"), [(480, 640), (320, 240), (641, 480)])
def test_a_camera_of_another_size_is_refused(localizer: Localizer, random_place: Any, width: int, height: int) -> None:
    camera = replace(random_place.camera, width=width, height=height)
    said = f"the image is 640x480, its camera {width}x{height}"
    _refused(localizer.localize(random_place.view(POSE), camera), Status.WRONG_IMAGE_SIZE, said)


def _foreign(seed: int, count: int = 400) -> Features:
    generator = np.random.default_rng(1000 + seed)
    rows = generator.normal(size=(count, 64)).astype(np.float32)
    ones = np.ones(count, np.float32)
    pixels = generator.uniform([0, 0], [639, 479], (count, 2)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Features(pixels, ones, ones, unit, (480, 640), "random-64d")


@pytest.mark.parametrize("seed", range(5))
def test_another_place_is_refused(localizer: Localizer, random_place: Any, seed: int) -> None:
    estimate = localizer.localize(_foreign(seed), random_place.camera)
    assert not estimate.is_localized
    assert estimate.status in {Status.FEW_MATCHES, Status.NO_POSE, Status.FEW_INLIERS, Status.CHANCE_AGREEMENT}


def test_the_right_descriptors_in_wrong_places_are_refused(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    shuffled = np.random.default_rng(0).permutation(features.keypoints)
    estimate = localizer.localize(replace(features, keypoints=shuffled), random_place.camera)
    assert not estimate.is_localized
    assert estimate.evidence.num_matches > 100


def test_too_few_right_matches_among_wrong_ones_are_refused(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    right = _part(features, np.arange(8))
    both = [np.concatenate([getattr(right, name), getattr(_foreign(0), name)]) for name in ("keypoints", "descriptors")]
    ones = np.ones(len(both[0]), np.float32)
    mixed = Features(both[0], ones, ones, both[1], (480, 640), "random-64d")
    assert not localizer.localize(mixed, random_place.camera).is_localized


def test_a_tenth_of_right_matches_is_enough(localizer: Localizer, random_place: Any) -> None:
    features, foreign = random_place.view(POSE), _foreign(0)
    right = _part(features, np.arange(60))
    both = [np.concatenate([getattr(right, name), getattr(foreign, name)]) for name in ("keypoints", "descriptors")]
    ones = np.ones(len(both[0]), np.float32)
    mixed = Features(both[0], ones, ones, both[1], (480, 640), "random-64d")
    assert np.all(_deviations(localizer.localize(mixed, random_place.camera), POSE) < 4)


def test_inliers_in_one_corner_are_refused(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE, noise_px=0.1)
    corner = np.all(features.keypoints < [200, 150], axis=1)
    assert corner.sum() > 20
    strict = Localizer(localizer.map, LocalizerConfig(gates=GatesConfig(min_spread=0.3)))
    _refused(strict.localize(_part(features, corner), random_place.camera), Status.POOR_SPREAD, "of the image")


def test_a_pose_that_is_not_sure_enough_is_refused(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    for limit, said in (({"max_position_std_m": 1e-6}, "position"), ({"max_rotation_std_rad": 1e-6}, "rotation")):
        strict = Localizer(localizer.map, LocalizerConfig(gates=GatesConfig(**limit)))
        estimate = strict.localize(features, random_place.camera)
        _refused(estimate, Status.UNCERTAIN_POSE, f"{said} is uncertain by")
        assert estimate.evidence.num_inliers > 100


def test_wrong_intrinsics_do_not_give_a_confident_pose(localizer: Localizer, random_place: Any) -> None:
    features = random_place.view(POSE)
    wrong = replace(random_place.camera, fx=1000.0, fy=1020.0)
    estimate = localizer.localize(features, wrong)
    assert not estimate.is_localized or np.linalg.norm(estimate.map_from_cam[:3, 3] - inverse(POSE)[:3, 3]) < 1.0


def test_a_view_far_outside_the_map_is_refused(localizer: Localizer, random_place: Any) -> None:
    away = inverse(rigid(rotation_from_vector([0, np.pi, 0]), [0, 0, 0]))
    features = random_place.view(away)
    assert len(features) == 0
    assert not localizer.localize(features, random_place.camera).is_localized


def test_a_setting_that_is_not_allowed_is_refused_at_the_start(localizer: Localizer) -> None:
    with pytest.raises(ConfigError, match="min_inliers"):
        Localizer(localizer.map, LocalizerConfig(gates=GatesConfig(min_inliers=3)))


def test_without_guiding_a_pose_is_found_too(localizer: Localizer, random_place: Any) -> None:
    plain = Localizer(localizer.map, LocalizerConfig(matching=MatchingConfig(guided_radius_px=0)))
    estimate = plain.localize(random_place.view(POSE), random_place.camera)
    assert np.all(_deviations(estimate, POSE) < 5)
