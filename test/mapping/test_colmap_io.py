# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras and poses to COLMAP and back, compared with OpenCV's projections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pycolmap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.geometry.colmap_types import (
    camera_from_colmap,
    camera_from_model,
    colmap_camera,
    colmap_points,
    keypoints_from_colmap,
    matrix_from_rigid3d,
    rigid3d_from_matrix,
)
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.colmap_io import (
    pose_from_wxyz,
    posed_images,
    read_model,
    reconstruction_from_poses,
    write_posed_model,
    wxyz_from_pose,
)
from sfd2_ros.mapping.map_model import model_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = {
    "SIMPLE_PINHOLE": [300, 160, 120],
    "PINHOLE": [300, 310, 160, 120],
    "SIMPLE_RADIAL": [300, 160, 120, 0.1],
    "RADIAL": [300, 160, 120, 0.1, 0.03],
    "OPENCV": [300, 310, 160, 120, 0.1, -0.02, 0.001, 0.002],
    "FULL_OPENCV": [300, 310, 160, 120, 0.1, -0.02, 0.001, 0.002, 0.03, 0.01, 0.02, 0.005],
    "OPENCV_FISHEYE": [300, 310, 160, 120, 0.1, 0.02, -0.01, 0.003],
    "SIMPLE_RADIAL_FISHEYE": [300, 160, 120, 0.05],
    "RADIAL_FISHEYE": [300, 160, 120, 0.05, 0.01],
    "SIMPLE_FISHEYE": [300, 160, 120],
    "FISHEYE": [300, 310, 160, 120],
}
CAMERAS = [
    Camera(320, 240, 300.0, 310.0, 159.5, 119.5),
    Camera(320, 240, 300.0, 310.0, 160.0, 121.0, "plumb_bob", (0.1, -0.02, 0.001, 0.002)),
    Camera(320, 240, 300.0, 310.0, 160.0, 121.0, "plumb_bob", (0.1, -0.02, 0.001, 0.002, 0.0)),
    Camera(320, 240, 300.0, 310.0, 160.0, 121.0, "plumb_bob", (0.1, -0.02, 0.001, 0.002, 0.03)),
    Camera(
        320, 240, 300.0, 310.0, 160.0, 121.0, "rational_polynomial", (0.1, -0.02, 0.001, 0.002, 0.03, 0.01, 0.02, 0)
    ),
    Camera(320, 240, 300.0, 310.0, 160.0, 121.0, "equidistant", (0.1, 0.02, -0.01, 0.003)),
    Camera(320, 240, 300.0, 310.0, 160.0, 121.0, "equidistant", (0.0, 0.0, 0.0, 0.0)),
]


@pytest.fixture(scope="module")
def points() -> NDArray[np.float64]:
    """Return points in front of a camera, some of them far to the side."""
    generator = np.random.default_rng(0)
    rays = np.column_stack([generator.uniform(-0.7, 0.7, (60, 2)), np.ones(60)])
    return rays * generator.uniform(1, 9, (60, 1))


def _opencv(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    fisheye = camera.distortion_model == "equidistant"
    function = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    coefficients = np.array(camera.distortion or (0.0,) * 4)
    pixels, _ = function(points.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), camera.matrix, coefficients)
    return np.asarray(pixels).reshape(-1, 2)


@pytest.mark.parametrize("model", MODELS)
def test_every_colmap_model_projects_as_colmap_and_opencv_do(model: str, points: NDArray[np.float64]) -> None:
    camera = camera_from_model(model, 320, 240, MODELS[model])
    theirs = pycolmap.Camera(model=model, width=320, height=240, params=MODELS[model])
    expected = keypoints_from_colmap(np.asarray(theirs.img_from_cam(points)))
    np.testing.assert_allclose(_opencv(camera, points), expected, atol=1e-9)
    np.testing.assert_allclose(_opencv(camera_from_colmap(theirs), points), expected, atol=1e-9)
    ours = keypoints_from_colmap(np.asarray(colmap_camera(camera).img_from_cam(points)))
    np.testing.assert_allclose(ours, expected, atol=1e-9)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: f"{camera.distortion_model}{len(camera.distortion)}")
def test_every_camera_comes_back_from_colmap(camera: Camera, points: NDArray[np.float64]) -> None:
    back = camera_from_colmap(colmap_camera(camera))
    assert (back.width, back.height, back.fx, back.cx) == (camera.width, camera.height, camera.fx, camera.cx)
    np.testing.assert_allclose(_opencv(back, points), _opencv(camera, points), atol=1e-9)
    pixels = keypoints_from_colmap(np.asarray(colmap_camera(camera).img_from_cam(points)))
    np.testing.assert_allclose(pixels, _opencv(camera, points), atol=1e-9)


@pytest.mark.parametrize("model", ["EQUIRECTANGULAR", "pinhole", "", "NONSENSE"])
def test_a_model_that_is_not_supported_is_refused_with_those_that_are(model: str) -> None:
    with pytest.raises(CameraError, match="is not supported; allowed: SIMPLE_PINHOLE, PINHOLE"):
        camera_from_model(model, 320, 240, [300, 160, 120])


@pytest.mark.parametrize("model", MODELS)
def test_a_wrong_number_of_parameters_is_refused(model: str) -> None:
    for params in (MODELS[model][:-1], [*MODELS[model], 0.1], []):
        with pytest.raises(CameraError, match=f"'{model}' takes {len(MODELS[model])} parameters, got {len(params)}"):
            camera_from_model(model, 320, 240, params)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=5))
def test_the_half_pixel_comes_back(pixels: list[tuple[float, float]]) -> None:
    keypoints = np.array(pixels, np.float64).reshape(-1, 2)
    np.testing.assert_allclose(colmap_points(keypoints) - keypoints, np.full(keypoints.shape, 0.5), atol=1e-9)
    np.testing.assert_allclose(keypoints_from_colmap(colmap_points(keypoints)), keypoints, atol=1e-9)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-1e4, 1e4)] * 3))
def test_poses_come_back_from_colmap_and_from_numbers(turn: tuple[float, ...], shift: tuple[float, ...]) -> None:
    pose = rigid(rotation_from_vector(turn), shift)
    np.testing.assert_allclose(matrix_from_rigid3d(rigid3d_from_matrix(pose)), pose, atol=1e-12)
    np.testing.assert_allclose(pose_from_wxyz(wxyz_from_pose(pose)), pose, atol=1e-12)
    point = np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(rigid3d_from_matrix(pose) * point, (pose @ [*point, 1])[:3], atol=1e-9)


@pytest.mark.parametrize("values", [[1, 0, 0, 0, 1, 2], [1, 0, 0, 0, 1, 2, 3, 4], [1, 0, 0, 0], [0] * 7])
def test_what_is_no_pose_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"seven numbers|is no rotation"):
        pose_from_wxyz(values)


def _images() -> list[PosedImage]:
    names = ["a/0 0.jpg", "a/1.jpg", "b/ünï.JPG", "c.png", "d.png", "e.png", "f  two spaces.png"]
    poses = [rigid(rotation_from_vector([0.1 * i, 0.2, -0.3 * i]), [i, 2 * i, -i]) for i in range(len(names))]
    return [PosedImage(name, camera, pose) for name, camera, pose in zip(names, CAMERAS, poses, strict=True)]


@pytest.mark.parametrize("kind", ["ours", "text", "binary"])
def test_a_model_comes_back_from_its_files(tmp_path: Path, kind: str) -> None:
    images = _images()
    if kind == "ours":
        write_posed_model(tmp_path, images)
    elif kind == "text":
        reconstruction_from_poses(images).write_text(str(tmp_path))
    else:
        reconstruction_from_poses(images).write_binary(str(tmp_path))
    found = posed_images(read_model(tmp_path))
    assert [image.name for image in found] == sorted(image.name for image in images)
    by_name = {image.name: image for image in images}
    for image in found:
        expected = by_name[image.name]
        np.testing.assert_allclose(image.cam_from_world, expected.cam_from_world, atol=1e-12)
        assert image.camera == camera_from_colmap(colmap_camera(expected.camera))


def test_names_with_spaces_are_read_beside_keypoints(random_place: Any, tmp_path: Path) -> None:
    map_ = load_map(random_place.map_folder)
    model = model_of(map_.images, map_.landmarks)
    for image in model.images.values():
        image.name = f"a b/{image.name}"
    model.write_text(str(tmp_path))
    found = read_model(tmp_path)
    assert sorted(image.name for image in posed_images(found)) == [f"a b/{i}.jpg" for i in range(8)]
    assert all(len(image.points2D) > 50 for image in found.images.values())


def test_images_with_one_camera_share_it(tmp_path: Path) -> None:
    images = [PosedImage(str(i), CAMERAS[i % 2], np.eye(4)) for i in range(6)]
    write_posed_model(tmp_path, images)
    assert read_model(tmp_path).num_cameras() == 2


def test_images_without_a_pose_are_left_out() -> None:
    model = pycolmap.Reconstruction()
    camera = colmap_camera(CAMERAS[0])
    camera.camera_id = 1
    model.add_camera_with_trivial_rig(camera)
    for image_id, name in enumerate(("posed", "unposed"), start=1):
        image = pycolmap.Image(name=name, camera_id=1, image_id=image_id)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    model.frame(model.image(2).frame_id).reset_pose()
    assert [image.name for image in posed_images(model)] == ["posed"]


def test_text_and_binary_side_by_side_the_binary_one_is_read(tmp_path: Path) -> None:
    images = _images()
    write_posed_model(tmp_path, images[:2])
    reconstruction_from_poses(images).write_binary(str(tmp_path))
    assert len(posed_images(read_model(tmp_path))) == len(images)


@pytest.mark.parametrize("line", ["1 1 0 0 0 0 0 0 1", "1 1 0 0 0 0 0 0 1 "])
def test_a_text_image_without_a_name_is_refused(tmp_path: Path, line: str) -> None:
    write_posed_model(tmp_path, _images()[:1])
    (tmp_path / "images.txt").write_text(f"{line}\n\n")
    with pytest.raises(SceneError, match="line 1: 9 fields"):
        read_model(tmp_path)
