# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays of a map that do not fit each other are found even where no checksum is asked."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.colmap_io import write_model
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.manifest import MANIFEST, read_manifest, write_manifest
from sfd2_ros.mapping.map_check import map_problems
from sfd2_ros.mapping.map_model import model_of
from sfd2_ros.mapping.map_store import COLMAP_FOLDER
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import QuantisedRows
from sfd2_ros.mapping.unit_rows import UnitRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LANDMARK_ARRAYS = ["positions", "information", "descriptors", "stability", "normals"]


@pytest.fixture
def copy(random_place: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(random_place.map_folder, folder)
    return folder


def _change(folder: Path, name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    """Change an array and write checksums that fit, as a program with a mistake would."""
    array = np.load(folder / f"{name}.npy")
    np.save(folder / f"{name}.npy", change(array))
    content = {key: value for key, value in read_manifest(folder).items() if key not in ("files", "checksum")}
    (folder / MANIFEST).unlink()
    write_manifest(folder, content)


@pytest.mark.parametrize("name", [*LANDMARK_ARRAYS, "image_offsets", "image_landmarks", "image_keypoints"])
def test_an_array_of_another_shape_or_type_is_refused(copy: Path, name: str) -> None:
    _change(copy, f"landmark_{name}", lambda array: array.astype(np.float64))
    with pytest.raises(MapError, match=f"landmark {name} (have shape|are of float64)"):
        load_map(copy)
    assert len(map_problems(copy)) == 1


@pytest.mark.parametrize("name", LANDMARK_ARRAYS[1:])
def test_an_array_that_lacks_a_landmark_is_refused(copy: Path, name: str) -> None:
    _change(copy, f"landmark_{name}", lambda array: array[:-1])
    with pytest.raises(MapError, match=f"landmark {name} have shape"):
        load_map(copy)


@pytest.mark.parametrize("name", ["positions", "information"])
def test_what_is_not_finite_is_found(copy: Path, name: str) -> None:
    def spoil(array: NDArray[Any]) -> NDArray[Any]:
        array.flat[3] = np.nan
        return array

    _change(copy, f"landmark_{name}", spoil)
    assert any(f"landmark {name} are not finite" in problem for problem in map_problems(copy))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("landmark_image_offsets", lambda array: array[:-1], "observations of 7 images, the map has 8"),
        ("landmark_image_offsets", lambda array: array + 1, "observations do not fit the images"),
        ("landmark_image_offsets", lambda array: array[::-1].copy(), "observations do not fit the images"),
        ("landmark_image_offsets", lambda array: array[[0, 2, 1, *range(3, 9)]], "observations do not fit the images"),
        ("landmark_image_landmarks", lambda array: array + 100_000, "landmarks that do not exist"),
        ("landmark_image_landmarks", lambda array: array - 1, "landmarks that do not exist"),
        ("landmark_descriptors", lambda array: array[:, :-1], "hold no rows of 64 components"),
        ("landmark_information", lambda array: array * np.float16(0), "information of a landmark is not positive"),
        ("landmark_image_keypoints", lambda array: array[:-1], "landmark image_keypoints have shape"),
        ("tile_offsets", lambda array: array[::-1].copy(), "must ascend from 0"),
        ("tile_offsets", lambda array: array[:-1], "do not belong together"),
        ("tile_origins", lambda array: array * np.nan, "origins be finite"),
        ("tile_of_image", lambda array: array[:-1], "tiles of 7 images, the map has 8"),
        ("tile_of_image", lambda array: array + np.int32(1), "images name tiles that do not exist"),
        ("landmark_normals", lambda array: array // np.int8(2), "landmark normals are not of length one"),
        ("retrieval_aggregates", lambda array: array.astype(np.float16), "of float16, 8 of uint8, 2 bits"),
        ("retrieval_aggregates", lambda array: array[:-1], "aggregates of shape"),
        ("retrieval_aggregates", lambda array: array[:, :-1], "hold no rows of 512 components"),
        ("retrieval_centres", lambda array: array[:4, :], "2 bits for each of 256 components"),
        ("retrieval_centres", lambda array: array.reshape(-1, 32), "do not fit the descriptors"),
        ("retrieval_centres", lambda array: array * np.float16(np.inf), "retrieval index is not finite"),
        ("image_poses", lambda array: array[:-1], "argument 2 is shorter"),
        ("image_poses", lambda array: array[:, :3], "holds no poses"),
        ("image_poses", lambda array: array * np.nan, "holds no poses"),
    ],
)
def test_arrays_that_do_not_belong_together_are_found(
    copy: Path, name: str, change: Callable[[NDArray[Any]], NDArray[Any]], said: str
) -> None:
    _change(copy, name, change)
    assert any(said in problem for problem in map_problems(copy)), map_problems(copy)


def test_poses_that_differ_from_the_colmap_model_are_found(copy: Path) -> None:
    map_ = load_map(copy)
    (copy / COLMAP_FOLDER).mkdir()
    write_model(model_of(map_.images, map_.landmarks), copy / COLMAP_FOLDER)
    _change(copy, "image_poses", lambda array: array)
    assert map_problems(copy) == []
    _change(copy, "image_poses", lambda array: array[::-1].copy())
    assert any("differs from COLMAP's model" in problem for problem in map_problems(copy))


def test_a_map_without_images_is_refused(copy: Path) -> None:
    (copy / "images.json").write_text('{"cameras": [], "images": []}')
    _change(copy, "image_poses", lambda array: array[:0])
    assert any("differ from the arrays" in problem for problem in map_problems(copy))


def test_damaged_arrays_are_typed_errors_without_checksums_too(copy: Path) -> None:
    """`map info` does not read every byte: whatever numpy makes of garbage must end in a MapError."""
    generator = random.Random(0)  # noqa: S311
    names = sorted(path for path in copy.iterdir() if path.suffix in (".npy", ".json") and path.name != MANIFEST)
    refused = 0
    for path in names:
        whole = path.read_bytes()
        for content in _damaged(whole, generator):
            path.write_bytes(content)
            try:
                load_map(copy, verify=False)
            except MapError:
                refused += 1
        path.write_bytes(whole)
    assert refused > 5 * len(names)


def _damaged(whole: bytes, generator: random.Random) -> list[bytes]:
    cuts = [whole[:length] for length in (0, 1, 7, 50, 127, 128, len(whole) // 2)]
    flips = []
    for _ in range(25):
        content = bytearray(whole)
        content[generator.randrange(min(140, len(whole)))] ^= 1 << generator.randrange(8)
        flips.append(bytes(content))
    return [*cuts, *flips, bytes(generator.randrange(256) for _ in range(25)), b"\x93NUMPY" + b"\xff" * 100]


def test_landmarks_refuse_other_shapes_when_made() -> None:
    empty = np.empty
    arrays: dict[str, Any] = {
        "positions": empty((0, 3)),
        "information": empty((0, 6), np.float16),
        "descriptors": empty((0, 3), np.uint8),
        "stability": empty(0, np.float32),
        "normals": empty((0, 3), np.int8),
        "sessions_seen": empty(0, np.uint8),
        "sessions_expected": empty(0, np.uint8),
        "image_offsets": np.zeros(1, np.int64),
        "image_landmarks": empty(0, np.int32),
    }
    assert len(_landmarks(arrays)) == 0
    for name in arrays:
        with pytest.raises(ValueError, match=r"landmark \w+ have shape|hold no rows"):
            _landmarks({**arrays, name: arrays[name][..., None]})


def _landmarks(arrays: dict[str, Any]) -> Landmarks:
    encoded = {
        "descriptors": QuantisedRows(arrays["descriptors"], 4),
        "normals": UnitRows(arrays["normals"]),
        "image_keypoints": encode_pixels(np.empty((0, 2))),
    }
    return Landmarks(**{**arrays, **encoded})
