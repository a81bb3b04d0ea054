# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps made from poses that are off know it, and so do the covariances of poses in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.noise import NoiseConfig
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.localization import Localized, Localizer, LocalizerConfig
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.manifest import MANIFEST, _checksum
from sfd2_ros.mapping.map_model import model_of
from sfd2_ros.mapping.reference_pose_nees import reference_pose_nees

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.mapping import Map


@pytest.fixture(scope="module")
def shaken(random_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Map:
    """Return the map of the place from poses that are off by 2 cm and a tenth of a degree."""
    generator = np.random.default_rng(1)
    poses = [
        rigid(rotation_from_vector(0.0017 * generator.normal(size=3)), 0.02 * generator.normal(size=3))
        @ one.cam_from_world
        for one in random_place.images
    ]
    folder = tmp_path_factory.mktemp("shaken") / "map"
    random_place.map_with_poses(folder, poses)
    return load_map(folder)


def test_exact_poses_fit_as_well_as_keypoints_allow(random_place: Any) -> None:
    misfit = load_map(random_place.map_folder).reference_pose_nees
    assert misfit is not None
    assert misfit < 1.5


def test_poses_that_are_off_do_not_fit(shaken: Map) -> None:
    assert shaken.reference_pose_nees is not None
    assert shaken.reference_pose_nees > 4


def test_poses_in_a_map_whose_own_poses_are_off_are_less_sure(random_place: Any, shaken: Map) -> None:
    seen = random_place.view(random_place.images[3].cam_from_world, seed=5)
    for covariance_scale in (1.0, 2.0):
        config = LocalizerConfig(noise=NoiseConfig(covariance_scale=covariance_scale))
        found = Localizer(shaken, config).localize(seen, random_place.camera)
        exact = Localizer(load_map(random_place.map_folder), config).localize(seen, random_place.camera)
        assert isinstance(found, Localized)
        assert isinstance(exact, Localized)
        assert np.trace(found.covariance) > 4 * np.trace(exact.covariance)


def test_too_few_images_cannot_tell(random_place: Any) -> None:
    model = _model(random_place.map_folder)
    assert reference_pose_nees(model, sorted(model.images)[:5]) is not None
    assert reference_pose_nees(model, sorted(model.images)[:4]) is None


def test_landmarks_at_the_centre_of_a_camera_change_nothing(random_place: Any) -> None:
    model = _model(random_place.map_folder)
    before, image = reference_pose_nees(model, sorted(model.images)), model.image(min(model.images))
    seen = [
        (i, one) for i, one in model.points3D.items() if image.image_id in _images_of(one) and len(_images_of(one)) > 3
    ]
    for point_id, point in seen[:20]:
        towards = point.xyz - image.projection_center()
        model.point3D(point_id).xyz = image.projection_center() + 1e-12 * towards / np.linalg.norm(towards)
    assert reference_pose_nees(model, sorted(model.images)) == pytest.approx(before, rel=0.2)


def _model(folder: Path) -> Any:
    map_ = load_map(folder)
    return model_of(map_.images, map_.landmarks)


def _images_of(point: Any) -> list[int]:
    return [element.image_id for element in point.track.elements]


@pytest.mark.parametrize("value", ["many", -1.0, True])
def test_a_manifest_with_another_misfit_is_refused(random_place: Any, tmp_path: Path, value: Any) -> None:
    random_place.map_again(tmp_path / "map", np.eye(4))
    path = tmp_path / "map" / MANIFEST
    manifest = json.loads(path.read_text("utf-8")) | {"reference_pose_nees": value}
    manifest["checksum"] = _checksum(manifest)
    path.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(MapError, match="reference_pose_nees"):
        load_map(tmp_path / "map")
