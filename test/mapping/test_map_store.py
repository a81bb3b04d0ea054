# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map folder: written whole, read back the same, and refused by name when a byte of it is wrong."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.colmap_io import posed_images
from sfd2_ros.mapping.manifest import FORMAT_VERSION, MANIFEST, read_manifest
from sfd2_ros.mapping.map_arrays import LANDMARK_ARRAYS, TILE_ARRAYS
from sfd2_ros.mapping.map_check import map_problems
from sfd2_ros.mapping.map_model import model_of

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = [
    "image_poses.npy",
    "images.json",
    *(f"landmark_{name}.npy" for name in LANDMARK_ARRAYS),
    "retrieval_aggregates.npy",
    "retrieval_centres.npy",
    *(f"tile_{name}.npy" for name in TILE_ARRAYS),
]


ENCODING = {"descriptor_dimension": 64, "keypoint_low_px": 0.0, "keypoint_step_px": 0.01}


def _archive() -> bytes:
    """Return an archive of arrays, as numpy.savez writes it."""
    stream = io.BytesIO()
    np.savez(stream, positions=np.zeros((3, 3)))
    return stream.getvalue()


@pytest.fixture
def copy(random_place: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(random_place.map_folder, folder)
    return folder


def _flip(path: Path, generator: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(bytes(content))


def test_a_map_is_read_back_as_it_was(random_place: Any) -> None:
    map_ = load_map(random_place.map_folder)
    assert [image.name for image in map_.images] == [image.name for image in random_place.images]
    assert map_.images[0].camera == random_place.camera
    for read, written in zip(map_.images, random_place.images, strict=True):
        np.testing.assert_allclose(read.cam_from_world, written.cam_from_world, atol=1e-12)
    assert len(map_.landmarks) > 500
    distances = np.linalg.norm(map_.landmarks.positions[:, None] - random_place.positions[None], axis=2).min(axis=1)
    assert np.median(distances) < 0.02
    assert map_.units == "metres"
    assert map_.weights_id == "random-64d"
    assert map_.size_bytes == sum(path.stat().st_size for path in random_place.map_folder.rglob("*") if path.is_file())
    assert load_map(str(random_place.map_folder)).map_id == map_.map_id


def test_the_files_of_a_map_are_these(random_place: Any) -> None:
    found = [path.relative_to(random_place.map_folder).as_posix() for path in random_place.map_folder.rglob("*.*")]
    assert sorted(found) == sorted([*FILES, MANIFEST])
    assert sorted(read_manifest(random_place.map_folder)["files"]) == sorted(FILES)


def test_a_map_moved_elsewhere_and_read_only_is_the_same(copy: Path) -> None:
    before = load_map(copy).map_id
    moved = copy.rename(copy.parent / "moved")
    for path in [*moved.rglob("*"), moved]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert load_map(moved).map_id == before
    assert map_problems(moved) == []


def test_arrays_are_mapped_into_memory(random_place: Any) -> None:
    map_ = load_map(random_place.map_folder)
    for array in (map_.landmarks.normals.codes, map_.landmarks.descriptors.codes, map_.aggregates.codes):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_map_that_was_read_outlives_its_files(copy: Path) -> None:
    map_ = load_map(copy, mapped=False)
    expected = np.array(load_map(copy).landmarks.positions)
    for path in copy.glob("*.npy"):
        with path.open("r+b") as stream:
            stream.truncate(10)
    for array in (map_.landmarks.normals.codes, map_.landmarks.descriptors.codes, map_.aggregates.codes):
        assert not isinstance(array, np.memmap)
    np.testing.assert_array_equal(map_.landmarks.positions, expected)


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", _archive()], ids=["damaged", "archive"])
def test_array_that_begins_like_an_archive_is_refused(copy: Path, content: bytes) -> None:
    (copy / "landmark_positions.npy").write_bytes(content)
    with pytest.raises(MapError, match=r"landmark_positions.npy holds"):
        load_map(copy, verify=False)


def test_pipe_in_place_of_the_manifest_is_refused_at_once(copy: Path) -> None:
    (copy / MANIFEST).unlink()
    os.mkfifo(copy / MANIFEST)
    with pytest.raises(MapError, match="no regular file"):
        load_map(copy)


def test_the_model_of_a_map_is_made_from_its_arrays(random_place: Any) -> None:
    map_ = load_map(random_place.map_folder)
    model = model_of(map_.images, map_.landmarks)
    assert model.num_points3D() == len(map_.landmarks)
    assert model.compute_num_observations() == len(map_.landmarks.image_landmarks)
    assert 0.2 < model.compute_mean_reprojection_error() < 1
    for index, (given, image) in enumerate(zip(map_.images, posed_images(model), strict=True)):
        np.testing.assert_allclose(image.cam_from_world, given.cam_from_world, atol=1e-12)
        seen = [point for point in model.image(index + 1).points2D if point.has_point3D()]
        assert [point.point3D_id - 1 for point in seen] == map_.landmarks.seen_by(index).tolist()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_cut_or_flipped_is_named(copy: Path, name: str) -> None:
    path = copy / name
    whole = path.read_bytes()
    generator = random.Random(name)  # noqa: S311
    path.unlink()
    _refused(copy, f"{name} is missing")
    path.mkdir()
    _refused(copy, f"{name} is missing")
    path.rmdir()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        _refused(copy, f"{name} has changed")
    for _ in range(3):
        path.write_bytes(whole)
        _flip(path, generator)
        _refused(copy, f"{name} has changed")
    path.write_bytes(whole)
    assert map_problems(copy) == []


def _refused(folder: Path, said: str) -> None:
    with pytest.raises(MapError, match="damaged") as caught:
        load_map(folder)
    assert said in str(caught.value)
    assert said in map_problems(folder)


def test_every_damage_is_named_at_once(copy: Path) -> None:
    (copy / "images.json").unlink()
    (copy / "image_poses.npy").write_bytes(b"")
    with pytest.raises(MapError, match=r"image_poses.npy has changed; images.json is missing"):
        load_map(copy)


def test_a_manifest_with_any_flipped_bit_is_refused(copy: Path) -> None:
    path = copy / MANIFEST
    whole = path.read_bytes()
    meaning = json.loads(whole)
    generator = random.Random(0)  # noqa: S311
    refused = 0
    for _ in range(300):
        path.write_bytes(whole)
        _flip(path, generator)
        try:
            same = json.loads(path.read_bytes()) == meaning
        except ValueError:
            same = False
        if same:  # a space that became another white space, a digit beyond what a float holds
            continue
        refused += 1
        with pytest.raises(MapError, match=r"manifest|format version"):
            load_map(copy)
    assert refused > 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe\x00garbage", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"{", "cannot be read"),
        (b'{"format": "sfd2_ros map", "format_version": ' + b"9" * 5000 + b"}", "cannot be read"),
        (b"null", "is no manifest"),
        (b"[]", "is no manifest"),
        (b"{}", "is no manifest"),
        (b'{"format": "another"}', "is no manifest"),
        (b'{"format": "sfd2_ros map"}', "format version None"),
        (b'{"format": "sfd2_ros map", "format_version": "3"}', "format version '3'"),
        (b'{"format": "sfd2_ros map", "format_version": 1e400}', "format version inf"),
    ],
)
def test_garbage_in_place_of_the_manifest_is_refused(copy: Path, content: bytes, reason: str) -> None:
    (copy / MANIFEST).write_bytes(content)
    with pytest.raises(MapError, match=reason):
        load_map(copy)


def test_another_version_is_refused_with_both_numbers(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    for version in (FORMAT_VERSION - 1, FORMAT_VERSION + 1):
        (copy / MANIFEST).write_text(json.dumps({**manifest, "format_version": version}))
        with pytest.raises(MapError, match=f"has format version {version}, this program reads {FORMAT_VERSION}"):
            load_map(copy)


def _sign(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest and give it the checksum that fits, as a program with a mistake would."""
    from sfd2_ros.mapping.manifest import _checksum  # noqa: PLC0415

    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    manifest["checksum"] = _checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["frame_id", "units", "weights_id", "extraction", "encoding", "counts", "provenance", "files"]
)
def test_wrong_types_in_the_manifest_are_refused_by_name(copy: Path, name: str) -> None:
    for value in (None, 3, 10**400, [], True):
        _sign(copy, lambda manifest, value=value: manifest.update({name: value}))  # type: ignore[misc]
        with pytest.raises(MapError, match=f"manifest.json has {name} "):
            load_map(copy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"units": "feet"}, "units 'feet', allowed: metres, arbitrary"),
        ({"files": {}}, "lists no files"),
        ({"counts": {}}, "KeyError: 'landmarks'"),
        ({"encoding": {}}, "KeyError: 'descriptor_dimension'"),
        ({"encoding": ENCODING | {"descriptor_dimension": 63 * 8}}, "hold no rows of 504 components"),
        ({"encoding": ENCODING | {"keypoint_step_px": -1.0}}, "the step positive"),
        ({"counts": {"landmarks": 10**300, "images": 8}}, "counts of the manifest differ"),
    ],
)
def test_values_that_cannot_be_are_refused(copy: Path, changes: dict[str, Any], reason: str) -> None:
    _sign(copy, lambda manifest: manifest.update(changes))
    with pytest.raises(MapError, match=reason):
        load_map(copy)


def test_no_map_and_no_manifest_say_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="does not exist; make one with `sfd2 map build"):
        load_map(tmp_path / "nowhere")
    with pytest.raises(MapError, match=r"is no map: it has no manifest.json"):
        load_map(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(MapError, match="does not exist"):
        load_map(tmp_path / "file")
    with pytest.raises(MapError, match="cannot be looked at: File name too long"):
        load_map(tmp_path / ("x" * 300))
