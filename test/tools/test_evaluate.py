# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 evaluate`: figures, table, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.transforms import quaternion_xyzw
from sfd2_ros.core.types import Evidence
from sfd2_ros.evaluation.poses_file import write_poses
from sfd2_ros.localization import Localized
from sfd2_ros.mapping.scene import load_scene

Run = Callable[..., Any]


def _write(path: Path, scene: Path, *, moved_m: float = 0.0, names: list[str] | None = None) -> None:
    """Write the reference poses of a scene, the cameras moved along x."""
    estimates = {}
    for name, image in load_scene(scene).images.items():
        pose = np.linalg.inv(image.cam_from_world)
        pose[0, 3] += moved_m
        if names is None or name in names:
            estimates[name] = Localized(pose, np.eye(6), Evidence())
    write_poses(path, estimates)


def test_figures_are_those_of_the_poses(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _write(tmp_path / "p.txt", scene, moved_m=0.3)
    said = sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["recall"] == [0.0, 1.0, 1.0]
    assert figures["median_position_m"] == pytest.approx(0.3)
    assert figures["median_rotation_deg"] == pytest.approx(0, abs=1e-6)
    assert (figures["queries"], figures["localized"], figures["false_accepts"], figures["foreign"]) == (2, 2, 0, 0)
    assert "300.0 mm" in said


def test_a_query_without_a_pose_counts_against_recall(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _write(tmp_path / "p.txt", scene, names=["2.png"])
    sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()
    assert json.loads((tmp_path / "f.json").read_text())["recall"] == [0.5, 0.5, 0.5]


def test_a_list_names_other_queries(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _write(tmp_path / "p.txt", scene)
    sfd2("evaluate", tmp_path / "p.txt", scene, "--list", "map.txt", "--json", tmp_path / "f.json").succeeded()
    assert json.loads((tmp_path / "f.json").read_text())["queries"] == 4


def test_a_pose_of_a_foreign_image_is_a_false_accept(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    (scene / "foreign.txt").write_text("5.png\n")
    _write(tmp_path / "p.txt", scene)
    sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["false_accepts"], figures["foreign"]) == (1, 1)


def test_nothing_localized_is_no_error(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("")
    said = sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["recall"] == [0.0, 0.0, 0.0]
    assert figures["median_position_m"] is None
    assert "0.0%" in said


def test_conditions_and_reasons_of_a_scene_are_told_apart(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    truth = [{"name": f"{i}.png", "condition": "night" if i == 4 else "day", "stamp_ns": i} for i in range(6)]
    (scene / "truth.json").write_text(json.dumps({"images": truth}))
    _write(tmp_path / "p.txt", scene, names=["2.png"])
    details = {"2.png": {"status": "localized", "inliers": 77}, "4.png": {"status": "few_matches", "inliers": 0}}
    (tmp_path / "p.details.json").write_text(json.dumps(details))
    said = sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert [(one["condition"], one["recall"]) for one in figures["conditions"]] == [
        ("day", [1.0, 1.0, 1.0]), ("night", [0.0, 0.0, 0.0]),
    ]  # fmt: skip
    assert (figures["reasons"], figures["refused"], figures["median_inliers"]) == ({"few_matches": 1}, 1, 77.0)
    assert figures["recall"] == [0.5, 0.5, 0.5]
    assert [one["name"] for one in figures["images"]] == ["2.png", "4.png"]
    assert "night" in said
    assert "rejected     1  few_matches" in said


def test_a_report_with_matches_is_written(sfd2: Run, painted_map: Path, scene: Path, tmp_path: Path) -> None:
    _write(tmp_path / "p.txt", scene, moved_m=0.01)
    html = tmp_path / "r.html"
    arguments = ("--html", html, "--map", painted_map, "--pictures", 1, "--device", "cpu")
    said = sfd2("evaluate", tmp_path / "p.txt", scene, *arguments).succeeded()
    assert f"{html}: report" in said
    text = html.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == 1
    assert "What keypoints lie on, in 2 images." in text
    sfd2("evaluate", tmp_path / "p.txt", scene, "--map", painted_map).refused(2, "give the report with --html")
    other = tmp_path / "other.html"
    sfd2("evaluate", tmp_path / "p.txt", scene, "--html", other, "--json", other).refused(2, "both write")
    sfd2("evaluate", tmp_path / "p.txt", scene, "--html", scene).refused(1, "is a folder")


def test_what_cannot_be_scored_is_refused(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    sfd2("evaluate", tmp_path / "nosuch.txt", scene).refused(1, "nosuch.txt' cannot be read: No such file")
    sfd2("evaluate", tmp_path, scene).refused(1, "cannot be read: Is a directory")
    (tmp_path / "p.txt").write_text("2.png 1 0 0 0 1 2\n")
    sfd2("evaluate", tmp_path / "p.txt", scene).refused(1, "p.txt:1:", "no line `name qw qx qy qz tx ty tz`")
    (tmp_path / "p.txt").write_text("images/2.png 1 0 0 0 1 2 3\n")
    sfd2("evaluate", tmp_path / "p.txt", scene).refused(1, "none of 1 poses", "'images/2.png'")
    _write(tmp_path / "p.txt", scene)
    sfd2("evaluate", tmp_path / "p.txt", tmp_path / "nowhere").refused(1, "is no folder")
    sfd2("evaluate", tmp_path / "p.txt", tmp_path).refused(1, "has no folder images/")
    sfd2("evaluate", tmp_path / "p.txt", scene, "--list", "no.txt").refused(1, "'no.txt' cannot be read")
    sfd2("evaluate", tmp_path / "p.txt", scene, "--json", scene).refused(1, "is a folder")


def test_figures_never_replace_what_is_no_json(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _write(tmp_path / "p.txt", scene)
    before = (tmp_path / "p.txt").read_text()
    sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "p.txt").refused(1, "is not a JSON file", "p.txt")
    assert (tmp_path / "p.txt").read_text() == before
    (tmp_path / "f.json").write_text("")
    for _ in range(2):
        sfd2("evaluate", tmp_path / "p.txt", scene, "--json", tmp_path / "f.json").succeeded()


def _as_tum(path: Path, scene: Path, stamps_s: dict[str, str], *, moved_m: float = 0.0) -> None:
    lines = []
    for name, stamp in stamps_s.items():
        pose = np.linalg.inv(load_scene(scene).images[name].cam_from_world)
        numbers = [*(pose[:3, 3] + [moved_m, 0, 0]), *quaternion_xyzw(pose)]
        lines.append(" ".join([stamp, *map(str, numbers)]) + "\n")
    path.write_text("".join(lines))


def test_a_trajectory_is_scored_against_a_trajectory(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _as_tum(tmp_path / "reference.txt", scene, {"0.png": "100.0", "1.png": "100.1", "2.png": "100.2"})
    _as_tum(tmp_path / "t.txt", scene, {"0.png": "100.0000001", "2.png": "100.2"}, moved_m=0.3)
    sfd2("evaluate", tmp_path / "t.txt", tmp_path / "reference.txt", "--json", tmp_path / "f.json").succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["queries"], figures["localized"]) == (3, 2)
    assert figures["median_position_m"] == pytest.approx(0.3)
    assert figures["median_rotation_deg"] == pytest.approx(0, abs=1e-5)


def test_a_pose_file_is_scored_against_a_trajectory(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _as_tum(tmp_path / "reference.txt", scene, {"0.png": "100.0", "1.png": "100.1", "2.png": "100.2"})
    _write(tmp_path / "p.txt", scene, names=["1.png"])
    (tmp_path / "p.txt").write_text((tmp_path / "p.txt").read_text().replace("1.png", "100.1.png"))
    options = ("--json", tmp_path / "f.json", "--list", tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("100.1.png\n100.2.png\n")
    sfd2("evaluate", tmp_path / "p.txt", tmp_path / "reference.txt", *options).succeeded()
    assert json.loads((tmp_path / "f.json").read_text())["recall"] == [0.5, 0.5, 0.5]
    (tmp_path / "list.txt").write_text("100.1.png\n107.2.png\n")
    part = "has no pose within a millisecond of 1 of 2 listed images, such as '107.2.png'"
    sfd2("evaluate", tmp_path / "p.txt", tmp_path / "reference.txt", *options).refused(1, part)


def test_a_trajectory_needs_images_named_by_time(sfd2: Run, scene: Path, tmp_path: Path) -> None:
    _as_tum(tmp_path / "t.txt", scene, {"0.png": "100.0"})
    sfd2("evaluate", tmp_path / "t.txt", scene).refused(1, "holds no time stamp")
