# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lens models beyond plumb_bob: OpenCV's with 12 and 14 coefficients, COLMAP's fisheyes and FOV."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
import pytest

from sfd2_ros.core.calibration import distortion_from_calibration
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera, Features
from sfd2_ros.geometry.colmap_types import camera_from_colmap, camera_from_model, colmap_camera
from sfd2_ros.geometry.ideal import ideal_camera, ideal_features
from sfd2_ros.geometry.projection import image_jacobian, image_points
from sfd2_ros.mapping.match_images import extract_images, silent

RATIONAL = (0.2, -0.1, 0.001, -0.002, 0.03, 0.15, -0.08, 0.02)
PRISM = (*RATIONAL, 0.004, -0.002, 0.003, 0.001)
TILTED = (*PRISM, 0.02, -0.03)
BASE = (500.0, 510.0, 322.0, 238.0)


def camera_with(model: str, coefficients: tuple[float, ...]) -> Camera:
    return Camera(640, 480, *BASE, model, coefficients)


def points(count: int = 200) -> np.ndarray:
    return np.random.default_rng(0).uniform([-2, -1.5, 4], [2, 1.5, 8], (count, 3))


def features_at(keypoints: np.ndarray) -> Features:
    ones = np.ones(len(keypoints), np.float32)
    descriptors = np.eye(len(keypoints), 8, dtype=np.float32)
    return Features(keypoints.astype(np.float32), ones, ones, descriptors, (480, 640), "w")


@pytest.mark.parametrize("coefficients", [PRISM, TILTED])
def test_calibrations_with_12_and_14_coefficients_project_as_opencv_does(coefficients: tuple[float, ...]) -> None:
    camera = camera_with(*distortion_from_calibration("rational_polynomial", coefficients))
    expected, _ = cv2.projectPoints(points(), np.zeros(3), np.zeros(3), camera.matrix, np.array(coefficients))
    np.testing.assert_allclose(image_points(camera, points()), expected[:, 0], atol=1e-9)


@pytest.mark.parametrize("coefficients", [PRISM, TILTED])
def test_keypoints_undistorted_to_the_ideal_camera_are_where_it_sees_the_points(
    coefficients: tuple[float, ...],
) -> None:
    camera = camera_with("rational_polynomial", coefficients)
    raw = image_points(camera, points())
    ideal = ideal_camera(camera)
    assert (ideal.distortion_model, ideal.matrix.tolist()) == ("none", camera.matrix.tolist())
    found = ideal_features(features_at(raw), camera).keypoints
    np.testing.assert_allclose(found, image_points(ideal, points()), atol=0.002)
    assert np.abs(found - raw).max() > 2


def test_keypoints_that_cannot_be_undistorted_stay_and_are_finite() -> None:
    camera = camera_with("rational_polynomial", (-2.0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0, 0, 0))
    corners = np.array([[0.0, 0.0], [639.0, 479.0], [322.0, 238.0]])
    found = ideal_features(features_at(corners), camera).keypoints
    np.testing.assert_array_equal(found[:2], corners[:2])
    np.testing.assert_allclose(found[2], corners[2], atol=1e-3)


@pytest.mark.parametrize("model", ["none", "plumb_bob", "rational_polynomial", "equidistant"])
def test_cameras_of_colmap_are_left_as_they_are(model: str) -> None:
    count = {"none": 0, "plumb_bob": 4, "rational_polynomial": 8, "equidistant": 4}[model]
    camera, features = camera_with(model, (0.01,) * count), features_at(np.array([[3.0, 4.0]]))
    assert ideal_camera(camera) is camera
    assert ideal_features(features, camera) is features


def test_a_lens_that_colmap_has_no_model_of_never_becomes_another() -> None:
    with pytest.raises(CameraError, match=r"12 coefficients.*no model"):
        colmap_camera(camera_with("rational_polynomial", PRISM))


@pytest.mark.parametrize(
    ("given", "kept"), [(14, 14), (12, 12), (8, 8), ("12 of 14", 12), ("8 of 14", 8), ("8 of 12", 8)]
)
def test_zeros_that_drivers_pad_with_are_cut_off(given: Any, kept: int) -> None:
    values, _, length = str(given).partition(" of ")
    coefficients = TILTED[: int(values)] + (0.0,) * (int(length or values) - int(values))
    assert distortion_from_calibration("rational_polynomial", coefficients)[1] == TILTED[:kept]


@pytest.mark.parametrize("count", [9, 10, 11, 13])
def test_numbers_of_coefficients_between_the_models_are_refused(count: int) -> None:
    with pytest.raises(CameraError, match=f"takes 8 or 12 or 14 coefficients, got {count}"):
        camera_with(*distortion_from_calibration("rational_polynomial", (0.1,) * count))


COLMAP_PARAMS: dict[str, tuple[float, ...]] = {
    "FOV": (0.9,),
    "THIN_PRISM_FISHEYE": (0.02, -0.01, 0.001, -0.002, 0.003, -0.001, 0.002, 0.001),
    "RAD_TAN_THIN_PRISM_FISHEYE": (0.02, -0.01, 0.003, -0.001, 0.001, 0.0, 0.001, -0.002, 0.002, 0.001, 0.001, -0.001),
    "EUCM": (0.6, 1.1),
    "DIVISION": (-0.1,),
}


@pytest.mark.parametrize("model", COLMAP_PARAMS)
def test_models_of_colmap_project_as_colmap_does_and_come_back(model: str) -> None:
    theirs = pycolmap.Camera(model=model, width=640, height=480, params=[*BASE, *COLMAP_PARAMS[model]])
    ours = camera_from_colmap(theirs)
    np.testing.assert_allclose(image_points(ours, points()), theirs.img_from_cam(points()) - 0.5, atol=1e-9)
    back = colmap_camera(ours)
    assert (back.model, list(back.params)) == (theirs.model, list(theirs.params))
    assert distortion_from_calibration(ours.distortion_model, ours.distortion) == (
        ours.distortion_model,
        ours.distortion,
    )


def test_a_thin_prism_fisheye_without_prism_is_opencvs_fisheye() -> None:
    k1, k2, k3, k4 = 0.02, -0.01, 0.003, -0.001
    camera = camera_from_model("THIN_PRISM_FISHEYE", 640, 480, [*BASE, k1, k2, 0.0, 0.0, k3, k4, 0.0, 0.0])
    matrix, zero = camera.matrix, np.zeros(3)
    expected, _ = cv2.fisheye.projectPoints(points()[None], zero, zero, matrix, np.array([k1, k2, k3, k4]))
    np.testing.assert_allclose(image_points(camera, points()), expected[0], atol=1e-6)


def test_fov_is_devernay_and_faugeras_closed_form() -> None:
    omega = 0.9
    camera = camera_from_model("FOV", 640, 480, [*BASE, omega])
    on_plane = points()[:, :2] / points()[:, 2:]
    radius = np.linalg.norm(on_plane, axis=1, keepdims=True)
    distorted = on_plane / radius * np.arctan(2 * radius * np.tan(omega / 2)) / omega
    expected = distorted * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    np.testing.assert_allclose(image_points(camera, points()), expected, atol=1e-9)


@pytest.mark.parametrize("model", ["fisheye", "thin_prism_fisheye", "eucm"])
def test_a_model_whose_zeros_distort_is_no_pinhole(model: str) -> None:
    count = {"fisheye": 4, "thin_prism_fisheye": 8, "eucm": 2}[model]
    name, coefficients = distortion_from_calibration(model, (0.0,) * count)
    assert (name, len(coefficients)) == ({"fisheye": "equidistant"}.get(model, model), count)


@pytest.mark.parametrize("camera", [camera_with("rational_polynomial", TILTED), camera_with("fov", (0.9,))])
def test_derivatives_are_those_of_the_projection(camera: Camera) -> None:
    jacobian = image_jacobian(camera, points())
    for axis in range(3):
        step = 1e-6 * np.eye(3)[axis]
        numeric = (image_points(camera, points() + step) - image_points(camera, points() - step)) / 2e-6
        np.testing.assert_allclose(jacobian[:, :, axis], numeric, atol=0.01)


def test_a_tilted_lens_is_localized_where_it_is(random_place: Any) -> None:
    from sfd2_ros.localization import Localizer  # noqa: PLC0415
    from sfd2_ros.mapping import load_map  # noqa: PLC0415

    tilted = camera_with("rational_polynomial", TILTED)
    cam_from_map = random_place.images[3].cam_from_world
    seen = random_place.view(cam_from_map, seed=5, camera=ideal_camera(tilted))
    plane = (seen.keypoints.astype(np.float64) - [tilted.cx, tilted.cy]) / [tilted.fx, tilted.fy]
    raw = image_points(tilted, np.column_stack([plane, np.ones(len(plane))]))
    features = dataclasses.replace(seen, keypoints=raw.astype(np.float32))
    localizer = Localizer(load_map(random_place.map_folder))
    estimate = localizer.localize(features, tilted)
    assert estimate.map_from_cam is not None, estimate.reason
    np.testing.assert_allclose(estimate.map_from_cam @ cam_from_map, np.eye(4), atol=0.01)
    assert estimate.evidence.num_inliers > 50


def test_features_for_a_map_are_those_of_the_ideal_camera(tmp_path: Path) -> None:
    camera = camera_with("rational_polynomial", TILTED)
    raw = image_points(camera, points(20))
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((480, 640), np.uint8))

    class Extractor:
        weights_id, config = "w", None

        def __call__(self, _image: np.ndarray) -> Features:
            return features_at(raw)

    with_camera, without = extract_images(["a.png"] * 2, tmp_path, [camera, None], Extractor(), silent)
    np.testing.assert_allclose(with_camera.keypoints, image_points(ideal_camera(camera), points(20)), atol=0.002)
    np.testing.assert_array_equal(without.keypoints, raw.astype(np.float32))
