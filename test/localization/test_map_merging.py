# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps of several sessions: where the other map lies is measured, and the merged map is a map like any other."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.localization import Localizer
from sfd2_ros.localization.map_alignment import align_maps
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.map_check import map_problems
from sfd2_ros.mapping.match_images import silent
from sfd2_ros.mapping.merge import merge_maps
from sfd2_ros.mapping.quantised_rows import quantise_rows

if TYPE_CHECKING:
    from sfd2_ros.mapping import Map

OTHER_FROM_MAP = rigid(rotation_from_vector([0.1, 0.7, -0.2]), [40.0, -3.0, 8.0])


@pytest.fixture(scope="module")
def base(random_place: Any) -> Map:
    return load_map(random_place.map_folder)


@pytest.fixture(scope="module")
def other(random_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Map:
    """Return a second session of the place, in a frame of its own."""
    folder = tmp_path_factory.mktemp("other") / "evening"
    random_place.map_again(folder, OTHER_FROM_MAP)
    return load_map(folder)


@pytest.fixture(scope="module")
def merged(base: Map, other: Map, tmp_path_factory: pytest.TempPathFactory) -> Map:
    folder = tmp_path_factory.mktemp("merged") / "map"
    merge_maps(base, [(other, inverse(OTHER_FROM_MAP))], folder)
    return load_map(folder)


def test_another_map_is_found_where_it_lies(base: Map, other: Map) -> None:
    found = align_maps(base, other, silent)
    wrong = found.base_from_other @ OTHER_FROM_MAP
    assert np.linalg.norm(wrong[:3, 3]) < 0.05
    assert rotation_angle_rad(wrong) < np.radians(0.1)
    assert (found.images, found.localized, found.agreeing) == (5, 5, 5)
    assert found.median_position_m < 0.05


def test_a_map_in_the_same_frame_is_not_moved_at_all(base: Map, random_place: Any, tmp_path: Path) -> None:
    random_place.map_again(tmp_path / "again", np.eye(4))
    found = align_maps(base, load_map(tmp_path / "again"), silent)
    np.testing.assert_array_equal(found.base_from_other, np.eye(4))


def test_a_map_of_another_place_is_refused(base: Map, other: Map, tmp_path: Path) -> None:
    shutil.copytree(other.folder, tmp_path / "elsewhere")
    elsewhere = load_map(tmp_path / "elsewhere")
    noise = np.random.default_rng(0).normal(size=elsewhere.landmarks.descriptors.shape)
    foreign = dataclasses.replace(
        elsewhere.landmarks, descriptors=quantise_rows(noise, elsewhere.landmarks.descriptors.bits)
    )
    changed = dataclasses.replace(elsewhere, landmarks=foreign)
    with pytest.raises(MapError, match="0 were localized there and 0 agree"):
        align_maps(base, changed, silent)


def test_a_merged_map_is_sound_and_holds_all(base: Map, other: Map, merged: Map) -> None:
    assert map_problems(merged.folder) == []
    assert len(merged.landmarks) == len(base.landmarks) + len(other.landmarks)
    assert [image.name for image in merged.images] == [
        *(image.name for image in base.images),
        *(f"evening/{image.name}" for image in other.images),
    ]
    for index, image in enumerate(other.images):
        seen = merged.landmarks.seen_by(len(base.images) + index) - len(base.landmarks)
        np.testing.assert_array_equal(seen, other.landmarks.seen_by(index))
        placed = merged.images[len(base.images) + index].cam_from_world
        np.testing.assert_allclose(placed, image.cam_from_world @ OTHER_FROM_MAP, atol=1e-9)


def test_positions_covariances_and_normals_turn_with_the_frame(base: Map, other: Map, merged: Map) -> None:
    turn, first = inverse(OTHER_FROM_MAP), len(base.landmarks)
    chosen = np.array([0, 5, len(other.landmarks) - 1])
    before, after = other.landmarks, merged.landmarks
    expected = before.positions[chosen] @ turn[:3, :3].T + turn[:3, 3]
    np.testing.assert_allclose(after.positions[chosen + first], expected, atol=1e-5)
    np.testing.assert_allclose(after.normals[chosen + first], before.normals[chosen] @ turn[:3, :3].T, atol=0.006)
    rotated = np.array([turn[:3, :3] @ one @ turn[:3, :3].T for one in before.covariance_of(chosen)])
    np.testing.assert_allclose(after.covariance_of(chosen + first), rotated, rtol=0.02, atol=1e-6)


def test_merging_does_not_change_a_byte_of_a_descriptor(base: Map, other: Map, merged: Map) -> None:
    codes = [one.landmarks.descriptors.codes for one in (base, other)]
    np.testing.assert_array_equal(merged.landmarks.descriptors.codes, np.concatenate(codes))
    np.testing.assert_array_equal(merged.landmarks.normals.codes[: len(base.landmarks)], base.landmarks.normals.codes)


def test_an_image_is_localized_in_a_merged_map(merged: Map, random_place: Any) -> None:
    pose = inverse(rigid(rotation_from_vector([0.03, 0.0, 0.0]), [0.3, 0.1, 0.3]))
    estimate = Localizer(merged).localize(random_place.view(pose, seed=3), random_place.camera)
    assert estimate.map_from_cam is not None, estimate.reason
    assert np.linalg.norm((pose @ estimate.map_from_cam)[:3, 3]) < 0.03


def test_three_sessions_of_one_name_keep_apart(base: Map, merged: Map, other: Map, tmp_path: Path) -> None:
    merge_maps(merged, [(other, inverse(OTHER_FROM_MAP))], tmp_path / "map")
    names = [image.name for image in load_map(tmp_path / "map").images]
    assert len(set(names)) == len(names) == len(base.images) + 2 * len(other.images)
    assert map_problems(tmp_path / "map") == []


@pytest.mark.parametrize(
    ("changed", "says"), [({"weights_id": "x"}, "of weights 'x'"), ({"units": "arbitrary"}, "units")]
)
def test_unlike_maps_are_refused(base: Map, other: Map, tmp_path: Path, changed: dict[str, str], says: str) -> None:
    unlike = dataclasses.replace(other, **changed)
    with pytest.raises(MapError, match=says):
        align_maps(base, unlike, silent)
    with pytest.raises(MapError, match=says):
        merge_maps(base, [(unlike, np.eye(4))], tmp_path / "map")
    assert not (tmp_path / "map").exists()
