# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_ros.tools.main import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, paint_scene: Callable[..., object]) -> Path:
    folder = tmp_path_factory.mktemp("bench_tool") / "boards"
    paint_scene(folder, count=5)
    (folder / "map.txt").write_text("0.png\n2.png\n3.png\n4.png\n")
    (folder / "query.txt").write_text("1.png\n")
    return folder


def test_features_are_compared_and_what_is_missing_has_a_row(
    scene: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "f.json"
    arguments = ["--methods", "sift,orb,disk", "--max-keypoints", "400", "--json", str(out)]
    assert main(["bench", "features", "--data", str(scene), *arguments]) == 0
    content = json.loads(out.read_text())
    assert [row["method"] for row in content["rows"]] == ["sift", "orb", "disk"]
    assert content["rows"][0]["recall"] == [1.0, 1.0, 1.0]
    assert "--weights-of disk=FILE" in content["rows"][2]["missing"]
    assert content["settings"]["localizer"]["matching"]["min_similarity"] == -1.0
    said = capfd.readouterr()
    assert "sift" in said.out
    assert "disk is left out" in said.err


def test_two_view_benches_write_their_rows(scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.json"
    images = tmp_path / "camera"
    images.mkdir()
    picture = cv2.imread(str(scene / "images" / "0.png"))
    for index, gain in enumerate((1.0, 0.3)):
        cv2.imwrite(str(images / f"{index}.png"), np.asarray(picture * gain, np.uint8))
    shared = ["--methods", "orb", "--max-keypoints", "200", "--json", str(out)]
    assert main(["bench", "timelapse", str(images), *shared]) == 0
    row = json.loads(out.read_text())["rows"][0]
    assert (row["scene"], row["light"], row["method"], row["pairs"]) == ("camera", "night-day", "orb", 1)
    assert row["repeatability"] > 0.3
    assert main(["bench", "homographies", str(images), "--views", "1", *shared]) == 0
    content = json.loads(out.read_text())
    assert content["rows"][0]["pairs"] == 2
    assert len(content["rows"][0]["homography_within"]) == 3


def test_labels_are_counted(scene: Path, tmp_path: Path) -> None:
    (scene / "labels").mkdir()
    numbers = np.full((240, 320), 3, np.uint8)
    numbers[:, :160] = 8
    for index in range(2):
        cv2.imwrite(str(scene / "labels" / f"{index}.png"), numbers)
    (scene / "two.txt").write_text("0\n1.png\n")
    out = tmp_path / "f.json"
    arguments = ["--label-set", "camvid", "--list", "two.txt", "--methods", "orb", "--json", str(out)]
    assert main(["bench", "labels", str(scene), *arguments]) == 0
    row = json.loads(out.read_text())["rows"][0]
    assert (row["method"], row["images"], row["unstable_area"]) == ("orb", 2, 0.5)
    assert 0.1 < row["unstable_fraction"] < 0.9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["features"], "name scenes"),
        (["features", "--data", "a", "b/a"], "same name"),
        (["features", "--data", "a", "--methods", "surf"], "unknown method 'surf'"),
        (["features", "--data", "a", "--weights-of", "aliked"], "no METHOD=FILE"),
        (["features", "--simulate", "1", "--conditions", "fog"], "fog"),
        (["timelapse", "a", "b/a"], "same name"),
        (["timelapse", "a", "--pairs", "0"], "--pairs"),
        (["homographies"], "IMAGES"),
        (["labels", "a"], "--label-set"),
    ],
)
def test_wrong_use_is_refused(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert said in capfd.readouterr().err
