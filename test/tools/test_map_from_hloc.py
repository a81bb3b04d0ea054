# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps out of hloc's files, and COLMAP's triangulation on what `sfd2 extract` and `sfd2 map export` wrote."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pycolmap
import pytest

from sfd2_ros.core.types import Features
from sfd2_ros.features.feature_file import read_features
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.colmap_io import read_model
from sfd2_ros.matching.nearest import match_mutual

Run = Callable[..., Any]


@pytest.fixture
def features_file(sfd2: Run, painted: Path, tmp_path: Path) -> Path:
    sfd2("extract", painted / "images", "-o", tmp_path / "feats.h5", "--device", "cpu").succeeded()
    return tmp_path / "feats.h5"


def _matches(features: dict[str, Features]) -> dict[tuple[str, str], np.ndarray]:
    """Return matches0 of every pair."""
    matches = {}
    for first, second in combinations(features, 2):
        found = match_mutual(features[first].descriptors, features[second].descriptors, min_similarity=0.5)
        matches[first, second] = np.full(len(features[first]), -1, np.int32)
        matches[first, second][found.query] = found.target
    return matches


def _write_matches(path: Path, features: dict[str, Features]) -> None:
    with h5py.File(path, "w") as file:
        for (first, second), matches0 in _matches(features).items():
            group = file.create_group(f"{first.replace('/', '-')}/{second.replace('/', '-')}")
            group.create_dataset("matches0", data=matches0)


def test_a_map_of_given_features_and_matches_localizes(
    sfd2: Run, painted: Path, painted_map: Path, features_file: Path, tmp_path: Path
) -> None:
    _write_matches(tmp_path / "matches.h5", read_features(features_file))
    options = ["--features", features_file, "--matches", tmp_path / "matches.h5", "--device", "cpu"]
    sfd2("map", "build", painted, "-o", tmp_path / "map", *options).succeeded()
    made, usual = load_map(tmp_path / "map"), load_map(painted_map)
    assert [image.name for image in made.images] == [image.name for image in usual.images]
    assert len(made.landmarks) == pytest.approx(len(usual.landmarks), rel=0.1)
    query = painted / "images" / "2.png"
    said = sfd2("localize", tmp_path / "map", query, "-o", tmp_path / "p.txt", "--camera", painted, "--device", "cpu")
    assert "1 of 1 localized" in said.succeeded()


def test_a_map_of_given_features_has_their_settings(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    options = ["--max-keypoints", "300", "--device", "cpu"]
    sfd2("extract", painted / "images", "-o", tmp_path / "feats.h5", *options).succeeded()
    _write_matches(tmp_path / "matches.h5", read_features(tmp_path / "feats.h5"))
    given = ["--features", tmp_path / "feats.h5", "--matches", tmp_path / "matches.h5", "--device", "cpu"]
    sfd2("map", "build", painted, "-o", tmp_path / "map", *given).succeeded()
    assert load_map(tmp_path / "map").extraction["max_keypoints"] == 300
    for option in (["--max-keypoints", "2048"], ["--rotate", "90"]):
        said = sfd2("map", "build", painted, "-o", tmp_path / "other", *given, *option)
        said.refused(2, f"{option[0]} is for the extraction; with --features give it to sfd2 extract")


def test_features_and_matches_belong_together(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    said = sfd2("map", "build", painted, "-o", tmp_path / "map", "--features", tmp_path / "feats.h5")
    said.refused(2, "--features and --matches belong together")


def test_colmap_triangulates_an_exported_model_with_the_keypoints_of_a_feature_file(
    sfd2: Run, painted: Path, painted_map: Path, features_file: Path, tmp_path: Path
) -> None:
    sfd2("map", "export", painted_map, "-o", tmp_path / "model").succeeded()
    model = read_model(tmp_path / "model")
    features = read_features(features_file, sorted(image.name for image in model.images.values()))
    points = {name: np.asarray(one.keypoints, np.float64) + 0.5 for name, one in features.items()}
    for image in model.images.values():
        exported = np.array([point.xy for point in image.points2D])
        assert len(exported) > 50
        distance_px = np.abs(exported[:, None] - points[image.name][None]).max(axis=2).min(axis=1)
        assert distance_px.max() < 1e-2  # what a map keeps of a keypoint
    _write_database(tmp_path / "database.db", model, points, _matches(features))
    before = model.num_points3D()
    (tmp_path / "out").mkdir()
    made = pycolmap.triangulate_points(
        model, tmp_path / "database.db", painted / "images", tmp_path / "out", clear_points=True
    )
    assert made.num_points3D() > before / 3
    assert made.compute_mean_reprojection_error() < 2.0


def test_a_model_exported_with_a_feature_file_has_its_keypoints_in_its_order(
    sfd2: Run, painted_map: Path, features_file: Path, tmp_path: Path
) -> None:
    sfd2("map", "export", painted_map, "-o", tmp_path / "plain").succeeded()
    sfd2("map", "export", painted_map, "-o", tmp_path / "model", "--features", features_file).succeeded()
    plain, model = read_model(tmp_path / "plain"), read_model(tmp_path / "model")
    features = read_features(features_file, [image.name for image in model.images.values()])
    for image in model.images.values():
        points = np.array([point.xy for point in image.points2D])
        np.testing.assert_allclose(points, features[image.name].keypoints + 0.5, atol=1e-3)
    assert model.num_points3D() == plain.num_points3D()
    assert model.compute_num_observations() == plain.compute_num_observations()
    assert model.compute_mean_reprojection_error() == pytest.approx(plain.compute_mean_reprojection_error(), abs=0.01)


def test_a_model_is_not_exported_with_features_of_other_settings(
    sfd2: Run, painted: Path, painted_map: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.h5"
    sfd2("extract", painted / "images", "-o", few, "--max-keypoints", "60", "--device", "cpu").succeeded()
    said = sfd2("map", "export", painted_map, "-o", tmp_path / "model", "--features", few)
    said.refused(1, "observations of the map have a keypoint among the given features", "--max-keypoints")
    assert not (tmp_path / "model").exists()


def _write_database(
    path: Path, model: Any, points: dict[str, np.ndarray], matches: dict[tuple[str, str], np.ndarray]
) -> None:
    database = pycolmap.Database.open(path)
    for camera in model.cameras.values():
        database.write_camera(camera, use_camera_id=True)
    for rig in model.rigs.values():
        database.write_rig(rig, use_rig_id=True)
    for frame in model.frames.values():
        database.write_frame(frame, use_frame_id=True)
    id_of = {image.name: image_id for image_id, image in model.images.items()}
    for name, image_id in id_of.items():
        database.write_image(model.images[image_id], use_image_id=True)
        database.write_keypoints(image_id, points[name].astype(np.float32))
    for (first, second), matches0 in matches.items():
        query = np.flatnonzero(matches0 >= 0)
        geometry = pycolmap.TwoViewGeometry()
        geometry.config = pycolmap.TwoViewGeometryConfiguration.CALIBRATED
        geometry.inlier_matches = np.column_stack([query, matches0[query]]).astype(np.uint32)
        database.write_matches(id_of[first], id_of[second], geometry.inlier_matches)
        database.write_two_view_geometry(id_of[first], id_of[second], geometry)
    database.close()
