# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras on one body: one pose from all of them, with any of them missing, and near an expectation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation
from sfd2_ros.core.types import Camera, Features, Status
from sfd2_ros.geometry.mixture import measure_pose
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.localization import Localized, Localizer, Result, View
from sfd2_ros.localization.frames import BasePose, base_pose
from sfd2_ros.localization.local_search import Window
from sfd2_ros.localization.pnp import project, solve_rig_pnp
from sfd2_ros.mapping import load_map

FISHEYE = Camera(800, 600, 420, 430, 395, 301, "equidistant", (0.02, 0.001, 0.0, 0.0))
BASE = rigid(rotation_from_vector([0.03, 0.02, 0.04]), [0.2, 0.3, 0.4])
MOUNTS = [
    rigid(rotation_from_vector([0, 0.25, 0]), [0.4, 0.0, 0.1]),
    rigid(rotation_from_vector([0, -0.25, 0.05]), [-0.4, 0.1, 0.0]),
]
WINDOW = Window(24.0, 64.0, -20.0)


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


@pytest.fixture
def views(random_place: Any) -> list[View]:
    cameras = [random_place.camera, FISHEYE]
    return [
        View(random_place.view(inverse(BASE @ mount), camera=camera, seed=seed), camera, mount)
        for seed, (camera, mount) in enumerate(zip(cameras, MOUNTS, strict=True))
    ]


def nothing_seen(view: View) -> View:
    """Return the view with features of no place at all."""
    generator = np.random.default_rng(5)
    rows = generator.normal(size=(len(view.features), 64)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return replace(view, features=replace(view.features, descriptors=unit))


def part(view: View, count: int) -> View:
    arrays = {
        name: getattr(view.features, name)[:count] for name in ("keypoints", "scores", "stability", "descriptors")
    }
    return replace(view, features=replace(view.features, **arrays))


def deviations(found: Result) -> np.ndarray:
    assert isinstance(found, Localized), found.reason
    here = found.map_from_base
    error = np.concatenate([here[:3, 3] - BASE[:3, 3], vector_from_rotation(here @ inverse(BASE))])
    return np.abs(error) / np.sqrt(np.diag(found.covariance))


def test_two_cameras_give_one_pose_of_the_base_surer_than_each_alone(localizer: Localizer, views: list[View]) -> None:
    both = localizer.localize_rig(views)
    assert np.all(deviations(both) < 4)
    assert isinstance(both, Localized)
    evidence = both.evidence
    assert evidence.num_keypoints == sum(len(view.features) for view in views)
    split = len(views[0].features)
    assert np.any(evidence.inlier_keypoints < split)
    assert np.any(evidence.inlier_keypoints >= split)
    for view in views:
        alone = localizer.localize_rig([view])
        assert isinstance(alone, Localized)
        assert np.trace(both.covariance[:3, :3]) < np.trace(alone.covariance[:3, :3])


def test_one_camera_of_a_rig_gives_what_the_camera_alone_gives_moved_to_the_base(
    localizer: Localizer, views: list[View]
) -> None:
    found = localizer.localize_rig(views[:1])
    camera = localizer.localize(views[0].features, views[0].camera)
    assert isinstance(camera, Localized)
    expected = base_pose(camera, views[0].base_from_cam)
    assert isinstance(found, Localized)
    np.testing.assert_allclose(found.map_from_base, expected.map_from_base, atol=1e-4)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=0.02, atol=1e-9)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_camera_that_sees_nothing_does_not_spoil_the_others(
    localizer: Localizer, views: list[View], gone: int
) -> None:
    for useless in (nothing_seen(views[gone]), part(views[gone], 0), part(views[gone], 5)):
        mixed = list(views)
        mixed[gone] = useless
        assert np.all(deviations(localizer.localize_rig(mixed)) < 4)


def test_cameras_that_see_too_little_each_see_enough_together(localizer: Localizer, views: list[View]) -> None:
    few = [part(view, 14) for view in views]
    together = localizer.localize_rig(few)
    assert np.all(deviations(together) < 5)
    assert together.evidence.num_inliers > 14


def test_a_rig_in_another_place_is_refused(localizer: Localizer, views: list[View]) -> None:
    found = localizer.localize_rig([nothing_seen(view) for view in views])
    assert not found.is_localized
    assert found.reason


def test_a_rig_of_which_nothing_can_be_used_says_why(localizer: Localizer, views: list[View]) -> None:
    dark = localizer.localize_rig([part(view, 0) for view in views])
    assert dark.status is Status.NO_FEATURES
    other = [replace(view, features=replace(view.features, weights_id="other")) for view in views]
    assert localizer.localize_rig(other).status is Status.WRONG_WEIGHTS


def test_wrong_extrinsics_do_not_give_a_sure_pose(localizer: Localizer, views: list[View]) -> None:
    """Where cameras do not stand as said, their matches do not agree on one pose: fewer inliers, not a wrong pose."""
    turned = rigid(rotation_from_vector([0, 0.2, 0]), np.zeros(3))
    wrong = [views[0], replace(views[1], base_from_cam=views[1].base_from_cam @ turned)]
    found, right = localizer.localize_rig(wrong), localizer.localize_rig(views)
    assert found.evidence.num_inliers < 0.75 * right.evidence.num_inliers


def test_rig_pose_is_measured_near_the_prediction(localizer: Localizer, views: list[View]) -> None:
    covariance = np.diag([0.05**2] * 3 + [0.01**2] * 3)
    off = rigid(rotation_from_vector([0.01, -0.01, 0.01]), [0.05, -0.04, 0.05])
    found = localizer.local_search(views, BasePose(off @ BASE, covariance), WINDOW)
    assert np.all(deviations(found) < 4)
    assert "retrieve" not in found.evidence.seconds
    assert found.evidence.log10_false_alarms < -50


def test_a_prediction_that_is_too_vague_is_not_used(localizer: Localizer, views: list[View]) -> None:
    found = localizer.local_search(views, BasePose(BASE, np.eye(6) * 0.5**2), WINDOW)
    assert found.status is Status.UNCERTAIN_POSE
    assert "64 px are allowed" in found.reason


def test_an_expectation_elsewhere_finds_nothing(localizer: Localizer, views: list[View]) -> None:
    there = rigid(rotation_from_vector([0, 0.4, 0]), [3.0, 0, 0]) @ BASE
    found = localizer.local_search(views, BasePose(there, np.eye(6) * 0.01**2), WINDOW)
    assert not found.is_localized


def test_matches_that_agree_only_as_their_windows_do_are_chance(localizer: Localizer, views: list[View]) -> None:
    """Right descriptors moved at random within their windows match all, and many agree; not more than by chance."""
    generator = np.random.default_rng(0)
    moved = []
    for view in views:
        shift = generator.uniform(-20, 20, view.features.keypoints.shape)
        size = [view.camera.width - 1, view.camera.height - 1]
        keypoints = np.clip(view.features.keypoints + shift, 0, size).astype(np.float32)
        moved.append(replace(view, features=replace(view.features, keypoints=keypoints)))
    found = localizer.local_search(moved, BasePose(BASE, np.eye(6) * 0.004**2), WINDOW)
    assert found.status is Status.CHANCE_AGREEMENT, found.reason
    assert found.evidence.num_inliers >= localizer.config.gates.min_inliers
    assert localizer.local_search(views, BasePose(BASE, np.eye(6) * 0.004**2), WINDOW).is_localized


def random_rig(seed: int, count: int = 60) -> tuple[list[Observations], np.ndarray]:
    """Return exact observations of three cameras that look different ways, and body_from_map."""
    generator = np.random.default_rng(seed)
    pose = inverse(rigid(rotation_from_vector(generator.normal(size=3)), generator.normal(size=3)))
    camera = Camera(640, 480, 400, 410, 322, 238, "plumb_bob", (-0.05, 0.01, 0.001, -0.001))
    seen = []
    for yaw in (0.0, 2.0, -2.0):
        mount = rigid(rotation_from_vector([0, yaw, 0]), generator.uniform(-0.5, 0.5, 3))
        in_camera = generator.uniform([-2, -1.5, 4], [2, 1.5, 12], (count, 3))
        cam_from_map = inverse(mount) @ pose
        positions = (in_camera - cam_from_map[:3, 3]) @ cam_from_map[:3, :3]
        keypoints = project(cam_from_map, positions, camera)
        seen.append(Observations(keypoints, positions, np.zeros((count, 3, 3)), camera, 1.0, inverse(mount)))
    return seen, pose


@pytest.mark.parametrize("seed", range(3))
def test_generalised_pnp_finds_the_body_among_wrong_matches(seed: int) -> None:
    seen, pose = random_rig(seed)
    keypoints = np.concatenate([one.keypoints for one in seen])
    keypoints[::3] = np.random.default_rng(seed).uniform([0, 0], [640, 480], (len(keypoints[::3]), 2))
    answer = solve_rig_pnp(
        keypoints,
        np.concatenate([one.positions for one in seen]),
        np.repeat([0, 1, 2], 60),
        cameras=[one.camera for one in seen],
        cams_from_body=[one.cam_from_body for one in seen],
        max_error_px=4,
    )
    assert answer is not None
    np.testing.assert_allclose(answer.cam_from_map, pose, atol=1e-5)
    assert 118 <= answer.is_inlier.sum() <= 124


def test_joint_covariance_is_the_spread_of_estimates() -> None:
    seen, pose = random_rig(0)
    errors, covariances = [], []
    for seed in range(150):
        generator = np.random.default_rng(seed)
        noisy = [replace(one, keypoints=one.keypoints + generator.normal(size=one.keypoints.shape)) for one in seen]
        found = measure_pose(pose, noisy, window_px=8.0)
        here, there = inverse(found.body_from_map), inverse(pose)
        errors.append(np.concatenate([here[:3, 3] - there[:3, 3], vector_from_rotation(here @ inverse(there))]))
        covariances.append(found.covariance)
    root = np.linalg.inv(np.linalg.cholesky(np.mean(covariances, axis=0)))
    ratios = np.sqrt(np.linalg.eigvalsh(root @ np.cov(np.array(errors).T) @ root.T))
    assert ratios.max() < 1.2
    assert ratios.min() > 0.6


def test_views_of_features_count_through(views: list[View]) -> None:
    from sfd2_ros.localization.query import Query  # noqa: PLC0415 - only here

    query = Query(views)
    first = len(views[0].features)
    assert len(query) == first + len(views[1].features)
    assert query.counted_through(1, np.array([0, 2])).tolist() == [first, first + 2]
    assert query.view_of[first - 1 : first + 1].tolist() == [0, 1]
    assert isinstance(views[0].features, Features)
