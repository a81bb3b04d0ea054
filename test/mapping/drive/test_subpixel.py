# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints that are refined by what the images show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from support.point_town import CAMERA, PointTown, drifting, point_town, round_block

from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Features
from sfd2_ros.mapping.drive.config import DriveConfig
from sfd2_ros.mapping.drive.subpixel import Refined, refined_keypoints
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = np.array([[0.0, 0.0], [2.3, -1.6], [4.7, 0.4]])
"""Of three images of one wall, pixels."""


def features_at(keypoints: NDArray[np.floating]) -> Features:
    ones = np.ones(len(keypoints), np.float32)
    return Features(
        keypoints.astype(np.float32), ones, ones, np.eye(len(keypoints), 32, dtype=np.float32), (120, 160), "w"
    )


def wall() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).uniform(0, 255, (120, 160)).astype(np.float32)
    return np.clip(128 + 4 * (cv2.GaussianBlur(noise, (0, 0), 2.0) - 127), 0, 255).astype(np.uint8)


def views() -> list[NDArray[np.uint8]]:
    moved = [cv2.warpAffine(wall(), np.hstack([np.eye(2), shift[:, None]]), (160, 120)) for shift in SHIFTS]
    return [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in moved]


def tracks(count: int) -> Any:
    """Return what the refinement reads of a model: keypoint k of each of three images shows landmark k."""
    seen = [[SimpleNamespace(image_id=image + 1, point2D_idx=k) for image in range(3)] for k in range(count)]
    return SimpleNamespace(
        points3D={k: SimpleNamespace(track=SimpleNamespace(elements=one)) for k, one in enumerate(seen)}
    )


def test_keypoints_that_are_off_by_a_pixel_are_moved_to_within_a_tenth_of_one() -> None:
    generator = np.random.default_rng(1)
    places = generator.uniform(25, 95, (20, 2))
    given = [places + shift + generator.uniform(-1, 1, places.shape) for shift in SHIFTS]
    given[1] = places + SHIFTS[1]
    images = views()
    refined = refined_keypoints(tracks(20), [features_at(one) for one in given], images.__getitem__)
    for index in (0, 2):
        missed = np.linalg.norm(refined.features[index].keypoints - places - SHIFTS[index], axis=1)
        exact = refined.is_exact[index]
        assert exact.mean() >= 0.8
        assert missed[exact].max() < 0.1
    np.testing.assert_array_equal(refined.features[1].keypoints, features_at(given[1]).keypoints)


def test_keypoints_where_images_show_nothing_stay_and_do_not_count_as_exact() -> None:
    keypoints = np.random.default_rng(1).uniform(25, 95, (5, 2))
    blank = np.full((120, 160, 3), 90, np.uint8)
    refined = refined_keypoints(tracks(5), [features_at(keypoints)] * 3, lambda _index: blank)
    for one, exact in zip(refined.features, refined.is_exact, strict=True):
        np.testing.assert_array_equal(one.keypoints, keypoints.astype(np.float32))
        assert not exact.any()


def test_a_pair_with_few_exact_matches_keeps_all_of_its_matches() -> None:
    exact = np.array([True, True, False])
    refined = Refined([], [exact, exact, ~exact])
    rows = np.array([[0, 0], [1, 1], [2, 2]], np.uint32)
    kept = refined.exact_matches({(0, 1): rows, (0, 2): rows}, 2)
    np.testing.assert_array_equal(kept[0, 1], rows[:2])
    np.testing.assert_array_equal(kept[0, 2], rows)


def shown(town: PointTown, index: int) -> NDArray[np.uint8]:
    """Return an image of a town in which each point is a blob where it is, not where its keypoint is."""
    number, camera, _ = town.drive.images[index]
    cam_from_map = inverse(town.truth[number] @ town.drive.cameras[camera].base_from_cam)
    rows, columns = np.mgrid[-9:10, -9:10]
    image = np.zeros((CAMERA.height + 40, CAMERA.width + 40), np.float32)
    for point in town.points[town.seen[index]]:
        there = cam_from_map[:3, :3] @ point + cam_from_map[:3, 3]
        x, y = there[:2] / there[2] * CAMERA.fx + (CAMERA.cx, CAMERA.cy) + 20
        at = round(y), round(x)
        blob = np.exp(-((rows + at[0] - y) ** 2 + (columns + at[1] - x) ** 2) / 8)
        image[at[0] - 9 : at[0] + 10, at[1] - 9 : at[1] + 10] += 200 * blob.astype(np.float32)
    gray = np.clip(image[20:-20, 20:-20], 0, 255).astype(np.uint8)
    return np.repeat(gray[:, :, None], 3, axis=2)


def test_images_make_the_steps_of_a_drive_more_exact_than_its_keypoints() -> None:
    pytest.importorskip("pyceres")
    from sfd2_ros.mapping.drive.optimise import optimise_drive  # noqa: PLC0415

    truth = round_block(22, 2.0)[:8]
    odometry = drifting(truth, scale=1.0, deg_per_m=2 / 60)
    town = point_town(truth, odometry, noise_px=1.0, points_per_m=10)
    looks = np.eye(len(town.features), dtype=np.float32)

    def missed_rad(image: Any) -> float:
        found = optimise_drive(
            town.drive, town.features, looks, town.true_matches, config=DriveConfig(), progress=silent, image=image
        )
        steps = zip(found.poses, found.poses[1:], truth, truth[1:], strict=False)
        turns = [inverse(inverse(a) @ b) @ inverse(c) @ d for a, b, c, d in steps]
        return float(np.sqrt(np.mean([np.linalg.norm(turn[:3, :3] - np.eye(3)) ** 2 for turn in turns])))

    assert missed_rad(lambda index: shown(town, index)) < 0.6 * missed_rad(None)
