# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Given poses and intrinsics against what the images show, right and with each mistake planted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.core.transforms import inverse, quaternion_xyzw, rigid, rigid_from_quaternion, rotation_from_vector
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.localization.pnp import project
from sfd2_ros.mapping.pose_check import VerifiedPair, check_poses, require_explained, verify_pair
from sfd2_ros.mapping.two_view import bearings, epipolar_arc_error_px

CAMERA = Camera(640, 480, 500.0, 510.0, 322.0, 238.0)
FLIP = np.diag([1.0, -1, -1, 1])
OPTICAL_FROM_BODY = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])


def _images(count: int = 8, scale: float = 1.0, camera: Camera = CAMERA) -> list[PosedImage]:
    """Return images on an arc before a place, in a world whose z points up as a robot's does."""
    world = rotation_from_vector([-np.pi / 2, 0, 0]) @ rotation_from_vector([0, 0.4, 0])
    poses = []
    for i in range(count):
        turned = world @ rotation_from_vector([0.04 * np.sin(i), 0.25 - 0.07 * i, 0.02 * i])
        poses.append(inverse(rigid(turned, scale * (world @ np.array([0.6 * i - 2, 0.1 * i, 0.3 * np.sin(i)])) + 3)))
    return [PosedImage(f"{i}.png", camera, pose) for i, pose in enumerate(poses)]


def _pairs(images: list[PosedImage], scale: float = 1.0, wrong: float = 0.1) -> list[VerifiedPair]:
    """Return what pairs of images see in common: points, a share of them wrong."""
    generator = np.random.default_rng(3)
    first = inverse(images[0].cam_from_world)
    points = scale * generator.uniform([-5, -2.5, 5], [5, 2.5, 12], (500, 3)) @ first[:3, :3].T + first[:3, 3]
    seen = [project(image.cam_from_world, points, image.camera) for image in images]
    pairs = []
    for i in range(len(images)):
        for j in range(i + 1, len(images)):
            one, two = (seen[k] + generator.normal(scale=0.5, size=seen[k].shape) for k in (i, j))
            visible = np.all((one > 0) & (one < [640, 480]) & (two > 0) & (two < [640, 480]), axis=1)
            two[generator.random(len(two)) < wrong] += [40, -60]
            pairs.append(VerifiedPair(i, j, one[visible], two[visible]))
    return pairs


def _pose(change: Callable[[Any], Any]) -> Callable[[PosedImage], PosedImage]:
    return lambda image: replace(image, cam_from_world=change(image.cam_from_world))


def _camera(**changes: Any) -> Callable[[PosedImage], PosedImage]:
    return lambda image: replace(image, camera=replace(image.camera, **changes))


def _w_last(pose: Any) -> Any:
    x, y, z, w = quaternion_xyzw(pose)
    return rigid_from_quaternion([y, z, w, x], pose[:3, 3])  # a file says x y z w, its reader takes w x y z


PLANTED = {
    "world_from_cam in place of cam_from_world": _pose(inverse),
    "camera positions in place of translations": _pose(lambda pose: rigid(pose[:3, :3], inverse(pose)[:3, 3])),
    "camera axes of OpenGL": _pose(lambda pose: FLIP @ pose),
    "world_from_cam with camera axes of OpenGL": _pose(lambda pose: inverse(FLIP @ pose)),
    "body axes": _pose(lambda pose: inverse(OPTICAL_FROM_BODY) @ pose),
    "quaternions with w last": _pose(_w_last),
    "world_from_cam with quaternions that have w last": _pose(lambda pose: _w_last(inverse(pose))),
    "a principal point": _camera(cx=0.0, cy=0.0),
    r"a wrong focal length \(about 0.71 times": _camera(fx=707.0, fy=721.0),
    r"a wrong focal length \(about 2 times": _camera(fx=250.0, fy=255.0),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_rejected_by_name(mistake: str) -> None:
    right = _images()
    wrong = [PLANTED[mistake](image) for image in right]
    with pytest.raises(MapBuildError, match=rf"do not explain the images: .* if they are taken for {mistake}"):
        require_explained(wrong, _pairs(right))


@pytest.mark.parametrize("mistake", [*PLANTED][:7])
def test_a_mistake_in_poses_of_odometry_is_still_named(mistake: str) -> None:
    right = _images()
    noisy = [PLANTED[mistake](_noisy(image, i, 0.5)) for i, image in enumerate(right)]
    with pytest.raises(MapBuildError, match=mistake):
        require_explained(noisy, _pairs(right))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_right_poses_pass_at_any_scale(scale: float) -> None:
    images = _images(scale=scale)
    check = require_explained(images, _pairs(images, scale))
    assert check.explained > 0.85
    assert not check.is_wrong


@pytest.mark.parametrize("degrees", [0.1, 0.3, 0.6])
def test_poses_of_odometry_pass(degrees: float) -> None:
    images = _images()
    require_explained([_noisy(image, i, degrees) for i, image in enumerate(images)], _pairs(images))


def test_poses_that_explain_little_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    images, pairs = _images(), _pairs(_images(), wrong=0.45)
    with caplog.at_level(logging.WARNING):
        check = require_explained(images, pairs)
    assert not check.is_wrong
    assert 0.5 < check.explained < 0.6
    assert "explain the images poorly" in caplog.text


def test_poses_of_other_images_are_rejected_without_a_guess() -> None:
    images = _images()
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    shuffled = [replace(image, cam_from_world=images[k].cam_from_world) for image, k in zip(images, order, strict=True)]
    with pytest.raises(MapBuildError, match=r"no known mistake explains them .*do the names belong to these images"):
        require_explained(shuffled, _pairs(images))


def test_too_few_pairs_prove_nothing() -> None:
    images = _images(3)
    wrong = [PLANTED["camera axes of OpenGL"](image) for image in images]
    assert not check_poses(wrong, _pairs(images)[:2]).is_wrong
    assert check_poses(wrong, []).pairs == 0


def test_a_camera_that_only_turns_passes_and_turns_the_right_way() -> None:
    images = [
        PosedImage(str(i), CAMERA, inverse(rigid(rotation_from_vector([0, 0.06 * i, 0]), [1, 2, 3]))) for i in range(5)
    ]
    pairs = _pairs(images)
    assert require_explained(images, pairs).explained > 0.85
    with pytest.raises(MapBuildError, match="do not explain"):
        require_explained([PLANTED["world_from_cam in place of cam_from_world"](image) for image in images], pairs)


def test_the_arc_ends_at_infinity_and_at_the_other_camera() -> None:
    first, second = (PosedImage(str(i), CAMERA, rigid(np.eye(3), [-i, 0, 0])) for i in range(2))
    points = np.array([[0.2, 0.1, 4.0], [0.2, 0.1, 4e6], [0.2, 0.1, -4.0]])
    rays_first = points[:, :] / points[:, 2:]
    in_second = points + second.cam_from_world[:3, 3]
    rays_second = in_second / in_second[:, 2:]
    behind = rays_second[2]
    error_px = epipolar_arc_error_px(first, second, rays_first, rays_second)
    np.testing.assert_allclose(error_px[:2], 0, atol=1e-3)
    # A point behind both cameras lies on the epipolar line, beyond infinity.
    infinity = rays_first[2]
    angle = np.arccos(behind @ infinity / np.linalg.norm(behind) / np.linalg.norm(infinity))
    np.testing.assert_allclose(error_px[2], angle * 505 * np.linalg.norm(behind), rtol=1e-6)


def _noisy(image: PosedImage, seed: int, degrees: float) -> PosedImage:
    generator = np.random.default_rng(seed)
    turned = rotation_from_vector(np.deg2rad(degrees) * generator.normal(size=3) / np.sqrt(3))
    return replace(image, cam_from_world=rigid(turned, generator.normal(scale=0.01, size=3)) @ image.cam_from_world)


def test_verification_keeps_what_one_fundamental_matrix_explains(random_place: Any) -> None:
    features, images = random_place.features, random_place.images
    rows = [np.argmax(features[1].descriptors @ one) for one in features[0].descriptors]
    matches = np.column_stack([np.arange(len(rows)), rows])
    pair = verify_pair(features, [image.camera for image in images], (0, 1), matches)
    assert pair is not None
    rays = [
        bearings(images[k].camera, keypoints)
        for k, keypoints in ((0, pair.keypoints_first), (1, pair.keypoints_second))
    ]
    assert np.mean(epipolar_arc_error_px(images[0], images[1], *rays) < 4) > 0.95
    assert verify_pair(features, [image.camera for image in images], (0, 1), matches[:20]) is None
