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
from scipy.spatial import cKDTree

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.localization import Localizer
from sfd2_ros.localization.map_alignment import align_maps
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.map_check import map_problems
from sfd2_ros.mapping.match_images import silent
from sfd2_ros.mapping.merge import Session, merge_maps
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
    merge_maps(base, [Session(other, inverse(OTHER_FROM_MAP))], folder)
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


def test_a_merged_map_is_sound_and_its_images_are_where_they_were(base: Map, other: Map, merged: Map) -> None:
    assert map_problems(merged.folder) == []
    placed = {image.name: image.cam_from_world for image in merged.images}
    for image in other.images:
        if f"evening/{image.name}" in placed:
            np.testing.assert_allclose(
                placed[f"evening/{image.name}"], image.cam_from_world @ OTHER_FROM_MAP, atol=1e-9
            )
    assert {image.name for image in merged.images} & {image.name for image in base.images}


def test_a_second_session_of_one_place_makes_its_landmarks_better_and_not_many_more(
    base: Map, other: Map, merged: Map, random_place: Any
) -> None:
    assert len(merged.landmarks) < 1.15 * len(base.landmarks)
    assert len(other.landmarks) > 0.5 * len(base.landmarks)
    both = merged.landmarks.sessions_seen == 2
    assert both.sum() > 0.8 * len(other.landmarks)
    assert np.all(merged.landmarks.sessions_expected >= merged.landmarks.sessions_seen)
    errors = [_error_m(one.landmarks.positions, random_place) for one in (base, merged)]
    assert np.median(errors[1][both]) < np.median(errors[0])
    trace = [
        np.median(one.covariance_of(np.arange(300)).trace(axis1=1, axis2=2))
        for one in (base.landmarks, merged.landmarks)
    ]
    assert trace[1] < trace[0]


def _error_m(positions: np.ndarray, place: Any) -> np.ndarray:
    nearest: np.ndarray = cKDTree(place.positions).query(positions)[0]
    return nearest


def test_an_image_is_localized_in_a_merged_map(merged: Map, random_place: Any) -> None:
    pose = inverse(rigid(rotation_from_vector([0.03, 0.0, 0.0]), [0.3, 0.1, 0.3]))
    estimate = Localizer(merged).localize(random_place.view(pose, seed=3), random_place.camera)
    assert estimate.map_from_cam is not None, estimate.reason
    assert np.linalg.norm((pose @ estimate.map_from_cam)[:3, 3]) < 0.03


def test_ten_sessions_need_no_more_than_one_and_a_half_times_the_bytes_of_one(
    base: Map, random_place: Any, tmp_path: Path
) -> None:
    current = base
    for number in range(9):
        folder = tmp_path / f"session_{number}" / "map"
        random_place.map_again(folder, np.eye(4), seed=200 + 10 * number)
        merge_maps(current, [Session(load_map(folder), np.eye(4))], tmp_path / "map", overwrite=True)
        shutil.rmtree(tmp_path / "current", ignore_errors=True)
        current = load_map((tmp_path / "map").rename(tmp_path / "current"))
    assert map_problems(current.folder) == []
    assert len({image.name for image in current.images}) == len(current.images) <= 1.4 * len(base.images)
    assert current.size_bytes < 1.5 * base.size_bytes
    assert current.landmarks.sessions_seen.max() == 10
    pose = inverse(rigid(rotation_from_vector([0.03, 0.0, 0.0]), [0.3, 0.1, 0.3]))
    estimate = Localizer(current).localize(random_place.view(pose, seed=3), random_place.camera)
    assert estimate.map_from_cam is not None, estimate.reason
    assert np.linalg.norm((pose @ estimate.map_from_cam)[:3, 3]) < 0.03


@pytest.mark.parametrize(
    ("changed", "says"), [({"weights_id": "x"}, "of weights 'x'"), ({"units": "arbitrary"}, "units")]
)
def test_unlike_maps_are_refused(base: Map, other: Map, tmp_path: Path, changed: dict[str, str], says: str) -> None:
    unlike = dataclasses.replace(other, **changed)
    with pytest.raises(MapError, match=says):
        align_maps(base, unlike, silent)
    with pytest.raises(MapError, match=says):
        merge_maps(base, [Session(unlike, np.eye(4))], tmp_path / "map")
    assert not (tmp_path / "map").exists()
