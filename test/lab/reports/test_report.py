# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reports: one file that asks nothing of the network, with what happened in it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from sfd2_lab.reports.keypoint_classes import read_labels, share_by_class, stable_fraction
from sfd2_lab.reports.match_pictures import MatchPicture, choose_for_pictures, picture_of
from sfd2_lab.reports.report import EvaluationReport, Looked
from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.core.types import Evidence, Features, Status
from sfd2_ros.evaluation.outcomes import Outcome
from sfd2_ros.evaluation.scene_truth import ClassTruth
from sfd2_ros.localization import Localized, Rejected
from sfd2_ros.localization.pnp import project
from sfd2_ros.mapping import load_map

REFERENCE = {f"{i}.jpg": inverse(rigid(np.eye(3), [0.2 * i, 0, i])) for i in range(6)}
ESTIMATED = {name: rigid(np.eye(3), [0.1, 0, 0]) @ pose for name, pose in list(REFERENCE.items())[:5]}
OUTCOMES = [
    *(Outcome(f"{i}.jpg", "day" if i % 2 else "night", False, "localized", 50 + i, 0.1, 0.0) for i in range(5)),
    Outcome("5.jpg", "night", False, "few_matches"),
    Outcome("<script>alert(1)</script>.jpg", "foreign", True, "localized"),
]


def _write(path: Path, outcomes: list[Outcome], looked: Looked | None = None) -> str:
    report = EvaluationReport("a <title>", "a note", ESTIMATED, REFERENCE, outcomes, looked or Looked())
    report.write(path)
    return path.read_text(encoding="utf-8")


def test_a_report_is_one_file_that_asks_nothing_of_the_network(tmp_path: Path) -> None:
    picture = MatchPicture("two views", np.zeros((20, 30, 3), np.uint8))
    shares = share_by_class([(_features([[1, 1]], [0.9]), None)], {})
    text = _write(tmp_path / "r.html", OUTCOMES, Looked(shares, [picture], 1))
    asked = re.findall(r'(?:src|href|url|action)\s*[=(]\s*"?([^"\s>)]+)', text)
    assert len(asked) == 6
    assert all(one.startswith(("data:image/svg+xml;base64,", "data:image/jpeg;base64,")) for one in asked)
    for one in asked[:-1]:
        drawn = base64.b64decode(one.split(",")[1])
        assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_report_says_what_happened_and_escapes_names(tmp_path: Path) -> None:
    text = _write(tmp_path / "r.html", OUTCOMES)
    assert "a &lt;title&gt;" in text
    assert "<script>" not in text
    for said in ("1 few_matches", "83.3%", "&lt;script&gt;alert(1)&lt;/script&gt;.jpg", "1 of 1 foreign"):
        assert said in text
    rows = re.findall(r"<tr[^>]*><td>([^<]*)</td>", text)
    assert rows[:4] == ["night", "day", "foreign", "all images"]
    assert rows[4].startswith("&lt;script")  # a foreign image with a pose is the worst


@pytest.mark.parametrize("outcomes", [[], OUTCOMES[5:6], OUTCOMES[6:]], ids=["nothing", "one refused", "one foreign"])
def test_a_report_of_nothing_localized_is_a_report(tmp_path: Path, outcomes: list[Outcome]) -> None:
    reference = {one.name: np.eye(4) for one in outcomes if not one.is_foreign}
    EvaluationReport("t", "n", {}, reference, outcomes).write(tmp_path / "r.html")
    assert "all images" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    assert _write(tmp_path / "a.html", OUTCOMES) == _write(tmp_path / "b.html", OUTCOMES)


def _features(keypoints: list[list[float]], stability: list[float]) -> Features:
    count = len(keypoints)
    points = np.array(keypoints, np.float32).reshape(-1, 2)
    ones = np.ones((count, 4), np.float32) / 2
    return Features(points, ones[:, 0], np.array(stability, np.float32), ones, (40, 60), "w")


def test_keypoints_are_counted_on_the_class_below_them(tmp_path: Path) -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 7
    labels[20:, :30] = 21
    (tmp_path / "labels" / "day").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "labels" / "day" / "0.png"), labels)
    read = read_labels(tmp_path, "day/0.jpg")
    assert read is not None
    classes = {7: ClassTruth("road", is_lasting=True), 21: ClassTruth("car", is_lasting=False)}
    keypoints = [[29.6, 3], [59.4, 39.4], [29.4, 39], [0, 20]]  # road, road, car, car
    shares = share_by_class([(_features([*keypoints, [1, 1]], [1.0] * 5), read)], classes)
    assert [(one.name, one.is_stable, one.fraction) for one in shares] == [
        ("road", True, 0.4), ("car", False, 0.4), ("class 0", False, 0.2),
    ]  # fmt: skip
    assert stable_fraction(shares) == pytest.approx(0.4)
    assert read_labels(tmp_path, "day/1.jpg") is None
    assert share_by_class([], classes) == []
    assert stable_fraction([]) is None


def test_without_labels_the_network_says_what_is_stable() -> None:
    shares = share_by_class([(_features([[0, 0], [1, 1], [2, 2], [3, 3]], [0.9, 0.8, 0.5, 0.1]), None)], {})
    assert [(one.name.split(" ")[0], one.fraction) for one in shares] == [
        ("long-term", 0.5), ("short-term", 0.25), ("unstable", 0.25),
    ]  # fmt: skip
    assert stable_fraction(shares) == 0.5


def test_pictures_show_the_worst_of_each_condition_first() -> None:
    chosen = choose_for_pictures(OUTCOMES, 4)
    assert chosen[0].is_foreign
    assert [one.name for one in chosen[1:3]] == ["5.jpg", "1.jpg"]
    assert len(choose_for_pictures(OUTCOMES, 99)) == len(OUTCOMES)
    assert choose_for_pictures(OUTCOMES, 0) == choose_for_pictures([], 3) == []


def test_lines_join_a_keypoint_with_its_landmark_in_the_map_image(random_place: object, tmp_path: Path) -> None:
    map_ = load_map(random_place.map_folder)  # type: ignore[attr-defined]
    landmark = int(map_.landmarks.seen_by(3)[0])
    best = next(image for i, image in enumerate(map_.images) if landmark in map_.landmarks.seen_by(i))
    x, y = project(best.cam_from_world, map_.landmarks.positions[[landmark]], best.camera)[0]
    height, width = best.camera.height, best.camera.width
    for image in map_.images:
        cv2.imwrite(str(tmp_path / image.name), np.zeros((height, width, 3), np.uint8))
    evidence = Evidence(inlier_keypoints=np.array([0]), inlier_landmarks=np.array([landmark]))
    estimate = Localized(np.eye(4), np.eye(6), evidence)
    drawn = picture_of(np.zeros((40, 60, 3), np.uint8), _features([[10, 20]], [1.0]), estimate, map_, tmp_path)
    right = drawn[:height, 68:]
    lit = np.argwhere(right[..., 1] > 100)
    assert drawn.shape == (height, 68 + width, 3)
    assert np.abs(lit - [y, x]).sum(axis=1).min() <= 2  # the line ends on the landmark
    assert lit[:, 1].max() <= x + 2
    refused = Rejected(Status.FEW_MATCHES, "", Evidence())
    alone = picture_of(np.zeros((40, 60, 3), np.uint8), _features([[10, 20]], [1.0]), refused, map_, tmp_path)
    assert alone.shape == (40, 60, 3)
