# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera whose principal point is not that of camera_info gets no pose; one whose matches leave it open does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, Status
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.localization import GatesConfig, Localized, Localizer, LocalizerConfig
from sfd2_ros.localization.gates import ANY_INTRINSICS
from sfd2_ros.localization.intrinsics_fit import PRINCIPAL_POINT, fit_intrinsics
from sfd2_ros.localization.pnp import project, solve_pnp
from sfd2_ros.localization.principal_point import CentreFit, fit_centre
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from conftest import RandomPlace

POSE = inverse(rigid(rotation_from_vector([0.01, 0.05, -0.02]), [0.4, 0.1, 0.3]))
CAMERA = Camera(640, 480, 500.0, 510.0, 322.0, 238.0)


@pytest.fixture(scope="module")
def localizer(random_place: RandomPlace) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def _with_nominal(camera: Camera, x_px: float, y_px: float) -> Camera:
    return replace(camera, cx=camera.cx + x_px, cy=camera.cy + y_px)


def _fit(in_camera: np.ndarray, x_px: float, y_px: float) -> CentreFit | None:
    """Fit matches of a camera with a wrong nominal principal point; a fifth of them wrong."""
    generator = np.random.default_rng(0)
    positions = (in_camera - POSE[:3, 3]) @ POSE[:3, :3]
    keypoints = project(POSE, positions, CAMERA) + generator.normal(scale=0.5, size=(len(positions), 2))
    wrong = generator.choice(len(positions), len(positions) // 5, replace=False)
    keypoints[wrong] = generator.uniform([0, 0], [640, 480], (len(wrong), 2))
    camera = _with_nominal(CAMERA, x_px, y_px)
    observed = Observations(keypoints, positions, np.zeros((len(positions), 3, 3)), camera, 1.0)
    start = solve_pnp(keypoints, positions, camera, max_error_px=8.0)
    assert start is not None
    nominal = fit_intrinsics(observed, start.cam_from_map, max_error_px=8.0)
    return None if nominal is None else fit_centre(observed, start.cam_from_map, nominal, max_error_px=8.0)


@pytest.mark.parametrize(("x_px", "y_px"), [(40, 0), (-60, 0), (0, 40), (0, -60), (30, 30)])
def test_a_wrong_principal_point_is_refused_and_the_right_one_named(
    localizer: Localizer, random_place: RandomPlace, x_px: float, y_px: float
) -> None:
    found = localizer.localize(random_place.view(POSE), _with_nominal(random_place.camera, x_px, y_px))
    assert found.status is Status.WRONG_PRINCIPAL_POINT
    assert f"camera_info has ({322 + x_px}, {238 + y_px}) px" in found.reason
    named = [float(value) for value in found.reason.split("principal point at (")[1].split(")")[0].split(",")]
    assert named == pytest.approx([322, 238], abs=3)


def test_a_wrong_principal_point_gives_a_wrong_pose_where_it_is_not_looked_at(random_place: RandomPlace) -> None:
    config = LocalizerConfig(gates=GatesConfig(max_focal_error=ANY_INTRINSICS, max_centre_error=ANY_INTRINSICS))
    blind = Localizer(load_map(random_place.map_folder), config)
    found = blind.localize(random_place.view(POSE), _with_nominal(random_place.camera, 40, 0))
    assert isinstance(found, Localized)
    assert np.linalg.norm(found.map_from_cam[:3, 3] - inverse(POSE)[:3, 3]) > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_right_principal_point_is_not_refused(localizer: Localizer, random_place: RandomPlace, seed: int) -> None:
    assert localizer.localize(random_place.view(POSE, seed=seed), random_place.camera).is_localized


@pytest.mark.parametrize("shift_px", [0.0, 40.0])
def test_from_afar_every_principal_point_fits(shift_px: float) -> None:
    """Through a narrow field of view a turn does the same as another principal point."""
    generator = np.random.default_rng(1)
    depths = generator.normal(80.0, 0.1, (200, 1))
    far = np.concatenate([generator.uniform(-0.06, 0.06, (200, 2)) * depths, depths], axis=1)
    fit = _fit(far, shift_px, 0.0)
    assert fit is None or not fit.contradicts(0.03)


@pytest.mark.parametrize("count", [0, 3, 4, 5])
def test_hardly_more_matches_than_unknowns_fit_nothing_or_something(count: int) -> None:
    """Four matches are eight numbers, as many as pose and principal point: nothing is left to tell their noise."""
    positions = (np.random.default_rng(2).uniform([-3, -2, 4], [3, 2, 12], (count, 3)) - POSE[:3, 3]) @ POSE[:3, :3]
    keypoints = project(POSE, positions, CAMERA)
    observed = Observations(keypoints, positions, np.zeros((count, 3, 3)), CAMERA, 1.0)
    fit = fit_intrinsics(observed, POSE, free=PRINCIPAL_POINT, max_error_px=8.0)
    assert (fit is None) == (count < 5)


@pytest.mark.parametrize(("x_px", "y_px"), [(25, 0), (0, -25)])
def test_the_fit_is_as_exact_as_it_says(x_px: float, y_px: float) -> None:
    fit = _fit(np.random.default_rng(2).uniform([-3, -2, 4], [3, 2, 12], (300, 3)), x_px, y_px)
    assert fit is not None
    assert np.hypot(fit.shift_px[0] + x_px, fit.shift_px[1] + y_px) < 3
    assert fit.contradicts(0.03)
