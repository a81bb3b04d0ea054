# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from sfd2_lab.bench.homographies import bench_homographies, folder_name
from sfd2_lab.bench.methods import MethodOptions, make_methods
from sfd2_lab.bench.rows import bench_as_json
from sfd2_lab.bench.scene_parts import load_bench_scene, unstable_keypoints
from sfd2_lab.bench.scenes import bench_scene
from sfd2_lab.bench.simulated_scenes import simulated_scene
from sfd2_lab.bench.timelapse import bench_timelapse
from sfd2_ros.core.errors import ConfigError, OutputError, SceneError
from sfd2_ros.core.types import Features
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from sfd2_lab.bench.peer import Peer
    from sfd2_lab.bench.rows import FeatureRow
    from sfd2_ros.mapping.match_images import Progress

MAPPED = ("map/0.png", "map/1.png", "map/2.png", "map/3.png")
ASKED = ("day/0.png", "day/1.png", "night/0.png")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, paint_scene: Callable[..., Any]) -> Path:
    """Return painted boards: four views to map, two by day and one by a night without any light."""
    folder = tmp_path_factory.mktemp("bench") / "boards"
    order = (MAPPED[0], ASKED[0], MAPPED[1], ASKED[1], MAPPED[2], ASKED[2], MAPPED[3])
    paint_scene(folder, order)
    (folder / "map.txt").write_text("\n".join(MAPPED))
    (folder / "query.txt").write_text("\n".join(ASKED))
    night = folder / "images" / ASKED[2]
    night.write_bytes(cv2.imencode(".png", np.zeros((240, 320, 3), np.uint8))[1].tobytes())
    labels = np.ones((240, 320), np.uint8)  # wall
    labels[:, 160:] = 3  # sky
    labels[:120] = 0
    (folder / "labels" / "day").mkdir(parents=True)
    cv2.imwrite(str(folder / "labels" / "day" / "0.png"), labels)
    return folder


@pytest.fixture(scope="module")
def peers() -> dict[str, Peer]:
    return make_methods(["sfd2", "sift", "orb"], MethodOptions(max_keypoints=600)).ready


@pytest.fixture(scope="module")
def rows(scene: Path, peers: dict[str, Peer], tmp_path_factory: pytest.TempPathFactory) -> list[FeatureRow]:
    return bench_scene(scene, peers, work=tmp_path_factory.mktemp("maps"), progress=silent)


def test_every_method_localizes_by_day_and_is_refused_in_the_dark(rows: list[FeatureRow]) -> None:
    assert [(row.condition, row.method) for row in rows] == [
        (condition, method) for condition in ("day", "night") for method in ("sfd2", "sift", "orb")
    ]
    for row in rows[:3]:
        assert row.recall == (1.0, 1.0, 1.0), row
        assert row.median_position_m is not None
        assert row.median_position_m < 0.05
        assert (row.queries, row.localized, row.refused, row.false_accepts) == (2, 2, 0, 0)
        assert row.mean_inliers > 30
    for row in rows[3:]:
        assert row.recall == (0.0, 0.0, 0.0)
        assert (row.refused, row.median_position_m, row.mean_inliers) == (1, None, 0.0)


def test_rows_tell_sizes_times_and_identities(rows: list[FeatureRow]) -> None:
    assert {row.method: row.bytes_per_keypoint for row in rows} == {"sfd2": 256, "sift": 128, "orb": 32}
    assert len({row.weights_id for row in rows}) == 3
    for row in rows:
        assert row.descriptor_bytes == row.landmarks * row.bytes_per_keypoint > 0
        assert row.extract_ms is not None
        assert row.extract_ms > 0
        assert row.match_ms is not None
        assert row.mean_keypoints is not None
        assert row.mean_keypoints <= 600
        assert row.failed is None


def test_unstable_share_is_there_where_labels_are(rows: list[FeatureRow]) -> None:
    day, night = rows[:3], rows[3:]
    assert all(row.unstable_fraction is not None and 0.1 < row.unstable_fraction < 0.9 for row in day)
    assert all(row.unstable_fraction is None for row in night)


def test_keypoints_on_sky_are_counted_among_labelled_ones(scene: Path) -> None:
    places = np.array([[10, 200], [200, 200], [300, 239.4], [200, 10]], np.float32)
    ones = np.ones(4, np.float32)
    features = Features(places, ones, ones, np.eye(4, dtype=np.float32), (240, 320), "x")
    assert unstable_keypoints(features, scene, "day/0.png") == (2, 3)
    assert unstable_keypoints(features, scene, "day/1.png") is None
    other = Features(places, ones, ones, np.eye(4, dtype=np.float32), (240, 321), "x")
    with pytest.raises(SceneError, match="labels"):
        unstable_keypoints(other, scene, "day/0.png")


def test_rows_and_missing_methods_stand_in_json(rows: list[FeatureRow]) -> None:
    content = json.loads(json.dumps(bench_as_json("features", {"max_keypoints": 600}, rows, {"disk": "get it"})))
    assert content["rows"][0]["recall"] == [1.0, 1.0, 1.0]
    assert content["rows"][-1] == {"scene": None, "condition": None, "method": "disk", "missing": "get it"}
    assert content["machine"]["torch"]


def test_a_method_whose_map_cannot_be_built_says_so(scene: Path, tmp_path: Path) -> None:
    few = make_methods(["orb"], MethodOptions(max_keypoints=8)).ready
    found = bench_scene(scene, few, work=tmp_path, progress=silent)
    assert [row.refused for row in found] == [2, 1]
    assert all(row.recall == (0.0, 0.0, 0.0) for row in found)
    assert all(row.failed is not None and "matches" in row.failed for row in found)


def test_conditions_choose_queries_and_unknown_ones_are_refused(scene: Path) -> None:
    assert set(load_bench_scene(scene, ["night"]).condition_of) == {"night/0.png"}
    with pytest.raises(SceneError, match="no query under snow; there are: day, night"):
        load_bench_scene(scene, ["snow"])


def test_conditions_of_a_simulated_scene_are_those_of_its_truth(scene: Path) -> None:
    truth = scene / "truth.json"
    truth.write_text(json.dumps({"images": [{"name": "day/0.png", "condition": "rain"}]}))
    try:
        assert load_bench_scene(scene).condition_of == dict(zip(ASKED, ("rain", "day", "night"), strict=True))
        truth.write_text("{}")
        with pytest.raises(SceneError, match="not the ground truth"):
            load_bench_scene(scene)
    finally:
        truth.unlink()


def test_aliked_localizes_through_the_same_pipeline(shared_dir: Path, scene: Path, tmp_path: Path) -> None:
    pytest.importorskip("kornia.feature", reason="kornia needs Python 3.11: no ALIKED")
    options = MethodOptions(max_keypoints=400, peer_weights=shared_dir / "weights")
    found = bench_scene(scene, make_methods(["aliked"], options).ready, work=tmp_path, progress=silent)
    assert found[0].recall == (1.0, 1.0, 1.0)
    assert found[1].refused == 1


def test_simulated_town_is_rendered_once_and_another_is_not_replaced(tmp_path: Path) -> None:
    seen: list[int] = []

    def town(condition: str, progress: Progress) -> Path:
        return simulated_scene(7, [condition], 1, tmp_path, progress=progress, size=(48, 32), route="corridor")

    folder = town("night", lambda _step, done, _total: seen.append(done))
    assert seen == [1, 2]
    assert set(load_bench_scene(folder).condition_of.values()) == {"night"}
    assert (folder / "labels" / "night" / "000000.png").is_file()
    assert town("night", lambda *_: pytest.fail("rendered again")) == folder
    with pytest.raises(OutputError, match="another scene"):
        town("overcast", silent)
    with pytest.raises(ConfigError, match="fog"):
        town("fog", silent)


@pytest.fixture(scope="module")
def camera(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two days and two nights of one view that does not move: nights are darker and without contrast."""
    folder = tmp_path_factory.mktemp("camera")
    picture = cv2.imread(str(scene / "images" / "map" / "0.png"))
    for index, gain in enumerate((1.0, 0.9, 0.3, 0.25)):
        cv2.imwrite(str(folder / f"{index}.png"), np.asarray(picture * gain, np.uint8))
    return folder


def test_frames_of_a_fixed_camera_are_matched_by_day_and_across_night(camera: Path, peers: dict[str, Peer]) -> None:
    found = bench_timelapse(camera, peers, silent)
    assert [(row.light, row.method) for row in found] == [
        (light, method) for light in ("day-day", "night-day", "night-night") for method in ("sfd2", "sift", "orb")
    ]
    assert [row.figures.pairs for row in found[::3]] == [1, 4, 1]
    for row in found:
        assert row.figures.repeatability is not None
        assert row.figures.repeatability > 0.5, row
        assert row.figures.precision is not None
        assert row.figures.precision > 0.5, row


def test_camera_that_moved_has_few_right_matches(camera: Path, tmp_path: Path, peers: dict[str, Peer]) -> None:
    picture = cv2.imread(str(camera / "0.png"))
    cv2.imwrite(str(tmp_path / "0.png"), picture)
    cv2.imwrite(str(tmp_path / "1.png"), np.roll(picture, 23, axis=1))
    row = bench_timelapse(tmp_path, {"sift": peers["sift"]}, silent)[0]
    assert row.figures.matches > 50
    assert row.figures.precision is not None
    assert row.figures.precision < 0.1


def test_wrong_cameras_are_refused(camera: Path, tmp_path: Path, peers: dict[str, Peer]) -> None:
    picture = cv2.imread(str(camera / "0.png"))
    cv2.imwrite(str(tmp_path / "0.png"), picture)
    with pytest.raises(SceneError, match="1 frame"):
        bench_timelapse(tmp_path, peers, silent)
    cv2.imwrite(str(tmp_path / "1.png"), picture[:, :-1])
    with pytest.raises(SceneError, match="319x240, 320x240"):
        bench_timelapse(tmp_path, peers, silent)
    with pytest.raises(ConfigError, match="pairs is 0"):
        bench_timelapse(camera, peers, silent, pairs=0)


def test_views_of_a_photograph_are_matched_and_the_homography_is_found(camera: Path, peers: dict[str, Peer]) -> None:
    found = bench_homographies(camera, {"sift": peers["sift"]}, silent, views=1, seed=1)
    assert (found[0].method, found[0].figures.pairs) == ("sift", 4)
    assert found[0].homography_within[1] == 1.0
    assert found[0].homography_auc[2] > 0.8
    assert found[0].figures.precision is not None
    assert found[0].figures.precision > 0.6
    with pytest.raises(ConfigError, match="views is 0"):
        bench_homographies(camera, peers, silent, views=0)


def test_photographs_of_a_scene_are_called_by_its_name() -> None:
    assert [folder_name(Path(name)) for name in ("/a/fountain/images", "/a/fountain", "/a/x/../b/")] == [
        "fountain",
        "fountain",
        "b",
    ]
