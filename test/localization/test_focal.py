# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera whose focal length is not that of camera_info gets no pose; one whose matches leave it open does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, Status
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.localization import GatesConfig, Localized, Localizer, LocalizerConfig, View
from sfd2_ros.localization.focal import FocalFit, fit_focal
from sfd2_ros.localization.gates import ANY_INTRINSICS
from sfd2_ros.localization.intrinsics_fit import fit_intrinsics
from sfd2_ros.localization.pnp import project, solve_pnp
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from conftest import RandomPlace

POSE = inverse(rigid(rotation_from_vector([0.01, 0.05, -0.02]), [0.4, 0.1, 0.3]))
CAMERA = Camera(640, 480, 500.0, 510.0, 322.0, 238.0, "plumb_bob", (-0.05, 0.01, 0.001, -0.001))


@pytest.fixture(scope="module")
def localizer(random_place: RandomPlace) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def _with_nominal(camera: Camera, scale: float) -> Camera:
    return replace(camera, fx=camera.fx * scale, fy=camera.fy * scale)


def _seen(positions: np.ndarray, *, nominal: float = 1.0, noise_px: float = 0.5) -> Observations:
    """Return matches of a camera with a wrong nominal focal length; a fifth of them wrong."""
    generator = np.random.default_rng(0)
    keypoints = project(POSE, positions, CAMERA) + generator.normal(scale=noise_px, size=(len(positions), 2))
    wrong = generator.choice(len(positions), len(positions) // 5, replace=False)
    keypoints[wrong] = generator.uniform([0, 0], [640, 480], (len(wrong), 2))
    return Observations(keypoints, positions, np.zeros((len(positions), 3, 3)), _with_nominal(CAMERA, nominal), 1.0)


def _fit(observed: Observations) -> FocalFit | None:
    """Fit from where the camera seems to stand with the nominal focal length: nearer, or farther off."""
    solution = solve_pnp(observed.keypoints, observed.positions, observed.camera, max_error_px=8.0)
    assert solution is not None
    nominal = fit_intrinsics(observed, solution.cam_from_map, max_error_px=8.0)
    assert nominal is not None
    return fit_focal(observed, nominal, max_error_px=8.0)


@pytest.mark.parametrize("scale", [0.67, 0.9, 1.1, 1.5])
def test_a_wrong_focal_length_is_refused_and_the_right_one_named(
    localizer: Localizer, random_place: RandomPlace, scale: float
) -> None:
    found = localizer.localize(random_place.view(POSE), _with_nominal(random_place.camera, scale))
    assert found.status is Status.WRONG_FOCAL_LENGTH
    assert f"camera_info has {505 * scale:.0f} px" in found.reason
    named = float(found.reason.split("a focal length of ")[1].split(" px")[0])
    assert named == pytest.approx(505, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_right_focal_length_is_not_refused(localizer: Localizer, random_place: RandomPlace, seed: int) -> None:
    assert localizer.localize(random_place.view(POSE, seed=seed), random_place.camera).is_localized


def test_a_wrong_focal_length_gives_a_wrong_pose_where_it_is_not_looked_at(
    random_place: RandomPlace,
) -> None:
    blind = Localizer(
        load_map(random_place.map_folder),
        LocalizerConfig(gates=GatesConfig(max_focal_error=ANY_INTRINSICS, max_centre_error=ANY_INTRINSICS)),
    )
    found = blind.localize(random_place.view(POSE), _with_nominal(random_place.camera, 1.1))
    assert isinstance(found, Localized)
    assert np.linalg.norm(found.map_from_cam[:3, 3] - inverse(POSE)[:3, 3]) > 0.3


def test_the_camera_of_a_rig_that_is_wrong_is_found(localizer: Localizer, random_place: RandomPlace) -> None:
    camera = random_place.camera
    views = [
        View(random_place.view(inverse(mount) @ POSE, seed=seed), _with_nominal(camera, nominal), mount)
        for seed, mount, nominal in ((1, np.eye(4), 1.0), (2, rigid(np.eye(3), [0.5, 0, 0]), 1.1))
    ]
    assert localizer.localize_rig(views).status is Status.WRONG_FOCAL_LENGTH
    assert localizer.localize_rig([replace(view, camera=camera) for view in views]).is_localized


@pytest.mark.parametrize("roughness_m", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("nominal", [0.9, 1.0, 1.1])
def test_before_a_wall_seen_straight_every_focal_length_fits(nominal: float, roughness_m: float) -> None:
    generator = np.random.default_rng(1)
    depths = generator.normal(8.0, roughness_m, 200)
    wall = np.column_stack([generator.uniform([-3, -2], [3, 2], (200, 2)), depths])
    fit = _fit(_seen((wall - POSE[:3, 3]) @ POSE[:3, :3], nominal=nominal))
    assert fit is None or not fit.contradicts(0.02)


@pytest.mark.parametrize("nominal", [0.8, 1.25])
def test_the_fit_is_as_exact_as_it_says(nominal: float) -> None:
    positions = (np.random.default_rng(2).uniform([-3, -2, 4], [3, 2, 12], (200, 3)) - POSE[:3, 3]) @ POSE[:3, :3]
    fit = _fit(_seen(positions, nominal=nominal))
    assert fit is not None
    assert abs(np.log(fit.scale * nominal)) < 4 * fit.deviation < 0.02
    assert fit.contradicts(0.02)


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_matches_fit_no_focal_length(count: int) -> None:
    positions = np.random.default_rng(2).uniform([-3, -2, 4], [3, 2, 12], (count, 3))
    assert fit_intrinsics(_seen(positions), POSE, max_error_px=8.0) is None


def test_hundreds_of_matches_that_gain_little_each_contradict_nothing() -> None:
    one_wall_by_night = FocalFit(scale=1.118, deviation=0.007, num_inliers=375, gain=59.0)
    assert not one_wall_by_night.contradicts(0.02)
    assert replace(one_wall_by_night, gain=200.0).contradicts(0.02)
    assert replace(one_wall_by_night, num_inliers=100).contradicts(0.02)
