# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""hloc's files of features and matches, and what does not belong together."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from sfd2_ros.core.errors import FeatureFileError
from sfd2_ros.core.types import Camera, Features, PosedImage
from sfd2_ros.features.feature_file import write_features
from sfd2_ros.mapping.hloc_files import GivenMatches, read_given

CAMERA = Camera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
NAMES = ["db/a.jpg", "db/b.jpg", "c.jpg"]


def _features(count: int) -> Features:
    random = np.random.default_rng(count)
    return Features(
        keypoints=random.uniform(0, 200, (count, 2)).astype(np.float32),
        scores=np.ones(count, np.float32),
        stability=np.ones(count, np.float32),
        descriptors=random.normal(size=(count, 8)).astype(np.float32),
        image_size=(240, 320),
        weights_id="ours",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_features(tmp_path / "feats.h5", [(name, _features(3 + i)) for i, name in enumerate(NAMES)])
    return tmp_path


def test_the_settings_of_the_extraction_come_with_the_features(folder: Path) -> None:
    pairs = {"db-a.jpg/db-b.jpg": [0, 1, 2]}
    assert _read(folder, pairs).extraction == {"max_keypoints": 5}
    named = [(name, _features(3)) for name in NAMES]
    write_features(folder / "feats.h5", named, overwrite=True, extraction={"max_keypoints": 4096, "rotate_deg": 90})
    assert _read(folder, pairs).extraction == {"max_keypoints": 4096, "rotate_deg": 90}


@pytest.mark.parametrize("written", ["no JSON", "[3]"])
def test_settings_that_cannot_be_read_are_rejected(folder: Path, written: str) -> None:
    with h5py.File(folder / "feats.h5", "a") as file:
        file.attrs["extraction"] = written
    with pytest.raises(FeatureFileError, match="write it again with `sfd2 extract`"):
        _read(folder, {"db-a.jpg/db-b.jpg": [0, 1, 2]})


def _read(
    folder: Path, pairs: dict[str, list[int]], *, weights_id: str = "ours", camera: Camera = CAMERA
) -> GivenMatches:
    with h5py.File(folder / "matches.h5", "w") as file:
        for pair, matches in pairs.items():
            file.create_group(pair).create_dataset("matches0", data=np.array(matches))
            file[pair].create_dataset("matching_scores0", data=np.ones(len(matches), np.float16))
    images = [PosedImage(name, camera, np.eye(4)) for name in NAMES]
    return read_given(folder / "feats.h5", folder / "matches.h5", images, weights_id=weights_id)


def test_matches_are_pairs_of_indices_and_pairs_with_other_images_are_left_out(folder: Path) -> None:
    given = _read(folder, {"db-a.jpg/db-b.jpg": [2, -1, 0], "c.jpg/db-a.jpg": [-1] * 5, "c.jpg/query.jpg": [7]})
    assert [len(one) for one in given.features] == [3, 4, 5]
    assert list(given.matches) == [(0, 1), (2, 0)]
    np.testing.assert_array_equal(given.matches[0, 1], [[0, 2], [2, 0]])
    assert given.matches[2, 0].shape == (0, 2)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ({"db-a.jpg/db-b.jpg": [0, 1]}, r"shape \(2,\) .* 3 keypoints"),
        ({"db-a.jpg/db-b.jpg": [0, 1, 4]}, "indices from 0 to 4, the second image has 4 keypoints"),
        ({"db-a.jpg/db-b.jpg": [0, 1, -2]}, "indices from -2 to 1"),
        ({"db-a.jpg/db-b.jpg": [0, 1, 2], "db-b.jpg/db-a.jpg": [0, 1, 2, -1]}, "are there twice"),
        ({"x.jpg/y.jpg": [0]}, "have no pair of the mapped images"),
    ],
)
def test_matches_of_other_features_are_rejected(folder: Path, pairs: dict[str, list[int]], reason: str) -> None:
    with pytest.raises(FeatureFileError, match=reason):
        _read(folder, pairs)


def test_features_of_other_weights_or_sizes_are_rejected(folder: Path) -> None:
    pairs = {"db-a.jpg/db-b.jpg": [0, 1, 2]}
    with pytest.raises(FeatureFileError, match="are of weights 'ours', the map is for 'other'"):
        _read(folder, pairs, weights_id="other")
    small = Camera(width=160, height=120, fx=150.0, fy=150.0, cx=79.5, cy=59.5)
    with pytest.raises(FeatureFileError, match="are of a 320x240 image, its camera is 160x120"):
        _read(folder, pairs, camera=small)


def test_a_file_that_is_no_file_of_matches_is_rejected(folder: Path) -> None:
    with pytest.raises(FeatureFileError, match="are missing, damaged or in another layout"):
        _read(folder, {"db-a.jpg/db-b.jpg/deeper": [0]})
    (folder / "feats2.h5").write_bytes(b"no HDF5")
    images = [PosedImage(name, CAMERA, np.eye(4)) for name in NAMES]
    with pytest.raises(FeatureFileError, match="are missing, damaged or in another layout"):
        read_given(folder / "feats.h5", folder / "feats2.h5", images, weights_id="ours")
