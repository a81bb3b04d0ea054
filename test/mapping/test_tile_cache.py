# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map read tile by tile is the same map, in bounded memory."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization import Localized, Localizer
from sfd2_ros.mapping import Map, load_map
from sfd2_ros.mapping.tile_cache import StoredArray, TileCache, TiledArray
from sfd2_ros.mapping.tiles import tiles_of_places

COLUMNS = ("positions", "information", "stability", "normals", "descriptors")


@pytest.fixture(scope="module")
def folder(random_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a map of the place in four tiles of two images."""
    path = tmp_path_factory.mktemp("tiled") / "map"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sfd2_ros.mapping.tiles.tiles_of_places", lambda places: tiles_of_places(places, 2))
        random_place.map_with_poses(path, [image.cam_from_world for image in random_place.images])
    return path


def _cache(map_: Map) -> TileCache:
    positions: Any = map_.landmarks.positions
    assert isinstance(positions, TiledArray)
    return positions._cache


def test_a_map_read_tile_by_tile_is_the_same_map(folder: Path) -> None:
    whole, tiled = load_map(folder), load_map(folder, max_memory_mb=0.01)
    assert len(tiled.tiles) == 4
    assert len(tiled.landmarks) == len(whole.landmarks) == tiled.tiles.offsets[-1]
    chosen = np.random.default_rng(0).permutation(len(whole.landmarks))[:200]
    for name in COLUMNS:
        one, two = getattr(whole.landmarks, name), getattr(tiled.landmarks, name)
        for rows in (chosen, slice(5, 400, 7), np.arange(len(whole.landmarks)) % 3 == 0, 17, -1, np.empty(0, int)):
            np.testing.assert_array_equal(one[rows], two[rows], err_msg=name)
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    np.testing.assert_array_equal(whole.landmarks.covariance_of(chosen), tiled.landmarks.covariance_of(chosen))
    for image in range(len(whole.images)):
        np.testing.assert_array_equal(whole.landmarks.seen_by(image), tiled.landmarks.seen_by(image))
        np.testing.assert_array_equal(whole.landmarks.keypoints_of(image), tiled.landmarks.keypoints_of(image))


def test_a_pose_in_a_map_read_tile_by_tile_is_the_same_pose(folder: Path, random_place: Any) -> None:
    pose = inverse(rigid(rotation_from_vector([0.02, 0.0, 0.0]), [0.3, 0.1, 0.3]))
    seen = random_place.view(pose, seed=3)
    whole = Localizer(load_map(folder)).localize(seen, random_place.camera)
    tiled = Localizer(load_map(folder, max_memory_mb=0.01)).localize(seen, random_place.camera)
    assert isinstance(whole, Localized)
    assert isinstance(tiled, Localized)
    np.testing.assert_array_equal(tiled.map_from_cam, whole.map_from_cam)
    np.testing.assert_array_equal(tiled.covariance, whole.covariance)


def test_no_more_than_the_limit_is_held_and_the_least_recently_used_tile_is_dropped(folder: Path) -> None:
    other = _cache(load_map(folder, max_memory_mb=0.01))
    sizes = [sum(one.nbytes for one in other.tile(number).values()) for number in range(4)]
    map_ = load_map(folder, max_memory_mb=(sizes[0] + sizes[2]) / 1e6)
    cache, offsets = _cache(map_), map_.tiles.offsets
    assert cache.held == []
    for number in (0, 1, 0, 2):
        np.asarray(map_.landmarks.positions[offsets[number] : offsets[number + 1]])
        assert cache.bytes_held == sum(one.nbytes for held in cache._held.values() for one in held.values())
        assert cache.bytes_held <= max(sizes[0] + sizes[2], sizes[1])
    assert cache.held == [0, 2]


def test_a_map_below_the_limit_is_in_memory_as_a_whole(folder: Path) -> None:
    assert isinstance(load_map(folder, max_memory_mb=100).landmarks.positions, np.ndarray)


def test_threads_read_the_same(folder: Path) -> None:
    whole, tiled = load_map(folder), load_map(folder, max_memory_mb=0.01)
    rows = [np.random.default_rng(seed).integers(0, len(whole.landmarks), 100) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for chosen, found in zip(rows, pool.map(lambda one: tiled.landmarks.positions[one], rows), strict=True):
            np.testing.assert_array_equal(found, whole.landmarks.positions[chosen])


def test_a_map_that_is_replaced_or_cut_while_in_use_gives_its_own_content_or_an_error(
    folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "map"
    shutil.copytree(folder, copy)
    tiled, expected = load_map(copy, max_memory_mb=0.01), load_map(folder).landmarks.positions[:10]
    copy.rename(tmp_path / "old")
    np.testing.assert_array_equal(tiled.landmarks.positions[:10], expected)
    with (tmp_path / "old" / "landmark_positions.npy").open("r+b") as stream:
        stream.truncate(300)
    with pytest.raises(MapError, match=r"landmark_positions.npy of the map has become shorter"):
        np.asarray(tiled.landmarks.positions)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00" + b"\xff" * 90])
def test_a_damaged_array_is_a_typed_error(folder: Path, tmp_path: Path, content: bytes) -> None:
    shutil.copytree(folder, tmp_path / "map")
    (tmp_path / "map" / "landmark_normals.npy").write_bytes(content)
    with pytest.raises(MapError, match="damaged"):
        load_map(tmp_path / "map", verify=False, max_memory_mb=0.001)


def test_rows_of_a_stored_array_are_those_of_the_array(tmp_path: Path) -> None:
    whole = np.arange(60, dtype=np.int32).reshape(20, 3)
    np.save(tmp_path / "a.npy", whole)
    stored = StoredArray(tmp_path / "a.npy")
    for rows in (
        slice(3, 9),
        slice(None),
        slice(9, 3),
        slice(0, 20, 4),
        [4, 2, 2],
        np.arange(20) > 15,
        np.array([], int),
    ):
        np.testing.assert_array_equal(stored[rows], whole[rows])
    np.testing.assert_array_equal(np.asarray(stored, np.float64), whole)
    np.save(tmp_path / "b.npy", np.asfortranarray(whole))
    with pytest.raises(ValueError, match="row by row"):
        StoredArray(tmp_path / "b.npy")
