# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps from photographs alone: their shape is that of the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad
from sfd2_ros.mapping import MapBuilder, load_map

if TYPE_CHECKING:
    from sfd2_ros.mapping import Map
    from sfd2_ros.mapping.scene import Scene

pytestmark = pytest.mark.data
NAMES = [f"{i:04d}.jpg" for i in range(11) if i != 5]


@pytest.fixture(scope="module", params=["given", "unknown"])
def built(
    request: pytest.FixtureRequest,
    scenes: dict[str, Scene],
    extractor: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Map:
    """Return a map of the fountain from ten images, the one in the middle left out."""
    scene, folder = scenes["fountain_p11"], tmp_path_factory.mktemp("built") / "map"
    cameras = [scene.images[name].camera for name in NAMES] if request.param == "given" else None
    report = MapBuilder(extractor).from_images(NAMES, scene.image_folder, folder, cameras=cameras)
    assert report.images == report.images_given == 10
    return load_map(folder)


def test_a_map_from_images_alone_has_the_true_shape(
    built: Map, scenes: dict[str, Scene], similarity: Callable[..., Any]
) -> None:
    assert built.units == "arbitrary"
    truth = [scenes["fountain_p11"].images[image.name].cam_from_world for image in built.images]
    laid = similarity([image.cam_from_world for image in built.images], truth)
    centres = np.array([inverse(pose)[:3, 3] for pose in truth])
    extent = np.linalg.norm(np.ptp(centres, axis=0))
    assert np.linalg.norm(laid.centres - centres, axis=1).max() < 0.01 * extent
    turned = [
        rotation_angle_rad(rigid(image.cam_from_world[:3, :3] @ laid.rotation.T @ pose[:3, :3].T, [0, 0, 0]))
        for image, pose in zip(built.images, truth, strict=True)
    ]
    assert np.degrees(max(turned)) < 1.0
    assert built.images[0].camera.fx == pytest.approx(scenes["fountain_p11"].images[NAMES[0]].camera.fx, rel=0.03)


def test_a_photograph_is_localized_in_a_map_from_images_alone(
    built: Map, scenes: dict[str, Scene], similarity: Callable[..., Any], localize: Callable[..., Any]
) -> None:
    scene = scenes["fountain_p11"]
    left_out = scene.images["0005.jpg"]
    estimate = localize(built, scene.image_folder / left_out.name, built.images[0].camera)
    assert estimate.is_localized, estimate.reason
    poses = [*(image.cam_from_world for image in built.images), inverse(estimate.map_from_cam)]
    truth = [*(scene.images[image.name].cam_from_world for image in built.images), left_out.cam_from_world]
    error = similarity(poses, truth).centres[-1] - inverse(left_out.cam_from_world)[:3, 3]
    assert np.linalg.norm(error) < 0.1


def test_two_runs_give_the_same_map(scenes: dict[str, Scene], extractor: Any, tmp_path: Path) -> None:
    for run in ("one", "two"):
        MapBuilder(extractor).from_images(NAMES[:5], scenes["fountain_p11"].image_folder, tmp_path / run)
    one, two = (load_map(tmp_path / run).landmarks for run in ("one", "two"))
    assert len(one) > 500
    np.testing.assert_array_equal(one.positions, two.positions)
    np.testing.assert_array_equal(one.descriptors, two.descriptors)


def test_two_places_in_one_folder_keep_the_larger_connected_part(
    scenes: dict[str, Scene], extractor: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    for name, count in (("fountain_p11", 5), ("herzjesu_p25", 3)):
        for path in sorted(scenes[name].image_folder.iterdir())[3 : 3 + count]:
            (folder / f"{name} {path.name}").symlink_to(path)
    names = sorted(path.name for path in folder.iterdir())
    camera = scenes["fountain_p11"].images["0000.jpg"].camera
    report = MapBuilder(extractor).from_images(names, folder, tmp_path / "map", cameras=[camera] * 8)
    assert (report.images, report.images_given) == (5, 8)
    assert {image.name.split()[0] for image in load_map(tmp_path / "map").images} == {"fountain_p11"}
