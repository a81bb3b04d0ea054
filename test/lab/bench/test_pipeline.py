# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plain hierarchical localization, and our localizer beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_lab.bench.plain_localizer import MAX_ERROR_PX, localize_plainly
from sfd2_lab.bench.plain_map import NO_LANDMARK, PlainMap, build_plain_map
from sfd2_lab.bench.remembered import RememberedFeatures
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Features
from sfd2_ros.evaluation import pose_error
from sfd2_ros.localization.pnp import reprojection_errors_px


@pytest.fixture(scope="module")
def plain(random_place: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[PlainMap, Path]:
    folder = tmp_path_factory.mktemp("plain")
    return build_plain_map(random_place.images, random_place.features, folder, folder / "map"), folder / "map"


def test_landmarks_stand_where_their_keypoints_say(plain: tuple[PlainMap, Path], random_place: Any) -> None:
    map_, _ = plain
    assert len(map_.landmark_of) == len(random_place.images)
    counted = 0
    for image, features, landmark_of in zip(random_place.images, map_.features, map_.landmark_of, strict=True):
        seen = landmark_of != NO_LANDMARK
        positions = map_.positions[landmark_of[seen]]
        errors = reprojection_errors_px(image.cam_from_world, features.keypoints[seen], positions, image.camera)
        assert np.quantile(errors, 0.95) < 2
        counted += int(seen.sum())
    assert counted > 1000


def test_a_new_view_is_found_plainly(plain: tuple[PlainMap, Path], random_place: Any) -> None:
    truth = inverse(rigid(rotation_from_vector([0.03, -0.05, 0.02]), [0.3, 0.2, 0.4]))
    features = random_place.view(truth, seed=99)
    found = localize_plainly(plain[0], features, random_place.camera)
    assert found is not None
    metres, degrees = pose_error(found.cam_from_map, truth)
    assert metres < 0.03
    assert degrees < 0.2
    assert 100 < found.num_inliers <= len(features)  # a landmark seen in many images counts once


def test_what_shows_nothing_has_no_pose(plain: tuple[PlainMap, Path], random_place: Any) -> None:
    none = np.empty(0, np.float32)
    blank = Features(none.reshape(0, 2), none, none, none.reshape(0, 64), (480, 640), "random-64d")
    assert localize_plainly(plain[0], blank, random_place.camera) is None


def test_another_place_is_not_refused_by_plain_localization(plain: tuple[PlainMap, Path], random_place: Any) -> None:
    generator = np.random.default_rng(5)
    descriptors = generator.normal(size=(500, 64)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    keypoints = generator.uniform(0, 470, (500, 2)).astype(np.float32)
    ones = np.ones(500, np.float32)
    features = Features(keypoints, ones, ones, descriptors, (480, 640), "random-64d")
    found = localize_plainly(plain[0], features, random_place.camera)
    assert found is not None  # the weakness that our gates are measured against
    positions = plain[0].positions
    assert found.num_inliers < 60
    assert np.isfinite(reprojection_errors_px(found.cam_from_map, keypoints[:1], positions[:1], random_place.camera))
    assert MAX_ERROR_PX == 12


def test_the_plain_map_is_on_disk_with_a_model_that_colmap_reads(plain: tuple[PlainMap, Path]) -> None:
    from sfd2_ros.mapping.colmap_io import posed_images, read_model  # noqa: PLC0415

    map_, folder = plain
    model = read_model(folder)
    assert len(posed_images(model)) == len(map_.features)
    assert model.num_points3D() == len(map_.positions)
    stored = np.load(folder / "descriptors.npy")
    assert (stored.dtype, stored.shape) == (np.float16, (sum(map(len, map_.features)), 64))


def test_an_image_is_extracted_once(random_place: Any) -> None:
    asked: list[int] = []

    class Extractor:
        weights_id, config = "w", None

        def __call__(self, image: np.ndarray) -> Features:
            asked.append(int(image[0, 0, 0]))
            return random_place.features[0]

    remembered = RememberedFeatures(Extractor())
    black, white = np.zeros((4, 6, 3), np.uint8), np.full((4, 6, 3), 255, np.uint8)
    for image in (black, white, black.copy(), black.reshape(6, 4, 3)):
        remembered(image)
    assert asked == [0, 255, 0]
    assert len(remembered.seconds) == 3


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, paint_scene: Callable[..., Any]) -> list[dict[str, Any]]:
    """Return what `sfd2 bench pipeline` says of a painted scene and of another one as foreign."""
    from sfd2_ros.tools.main import main  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("bench")
    paint_scene(folder / "here")
    (folder / "here" / "map.txt").write_text("0.png\n1.png\n3.png\n5.png\n")
    (folder / "here" / "query.txt").write_text("2.png\n4.png\n")
    paint_scene(folder / "there", count=2, seed=50)
    arguments = ("--data", folder / "here", "--foreign", folder / "there", "--json", folder / "p.json")
    assert main(["bench", "pipeline", *map(str, arguments), "--device", "cpu", "--max-keypoints", "600"]) == 0
    content = json.loads((folder / "p.json").read_text())
    assert content["bench"] == "pipeline"
    rows: list[dict[str, Any]] = content["rows"]
    return rows


def test_both_pipelines_find_the_queries_and_only_ours_refuses_the_other_place(rows: list[dict[str, Any]]) -> None:
    said = {(row["condition"], row["method"]): row for row in rows}
    assert len(said) == len(rows) == 6
    for method in ("ours", "plain", "plain, 12 inliers"):
        row = said["all", method]
        assert (row["scene"], row["queries"], row["recall"], row["false_accepts"]) == ("here", 2, [1.0, 1.0, 1.0], 0)
        assert row["median_position_m"] < 0.02
        assert said["foreign", method]["foreign"] == 2
    assert said["foreign", "ours"]["false_accepts"] == 0
    assert said["foreign", "plain"]["false_accepts"] == 2


def test_costs_are_told_side_by_side(rows: list[dict[str, Any]]) -> None:
    ours, plain, _ = rows[:3]
    assert ours["times_ours"] == 1.0
    assert plain["times_ours"] == pytest.approx(plain["localize_ms"] / ours["localize_ms"], rel=2)
    for row in (ours, plain):
        low, high = row["localize_ms_quartiles"]
        assert 0 < low <= row["localize_ms"] <= high
        assert min(row["map_bytes"], row["map_seconds"], row["extract_ms"]) > 0
    assert plain["map_bytes"] > ours["map_bytes"]


def test_wrong_use_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from sfd2_ros.tools.main import main  # noqa: PLC0415

    assert main(["bench", "pipeline"]) == 2
    assert "name scenes with --data" in capfd.readouterr().err
    assert main(["bench", "pipeline", "--data", str(tmp_path), "--data", str(tmp_path)]) == 2
    assert "same name" in capfd.readouterr().err
    assert main(["bench", "pipeline", "--data", str(tmp_path)]) == 1
    assert "has no folder images/" in capfd.readouterr().err
