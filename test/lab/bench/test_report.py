# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole run, small, on a simulated town; its tables, its page, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_lab.bench.report import joined, write_bench_report
from sfd2_lab.bench.speed import quartiles
from sfd2_lab.bench.suite import PhotographSets, find_photographs, left_out
from sfd2_lab.bench.tables import markdown_of, table_of
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.tools.main import main

FEATURES: dict[str, Any] = {
    "bench": "features",
    "rows": [
        {
            "scene": "a|b", "condition": "night", "method": "orb", "recall": [0.0, 0.5, 1.0], "median_position_m": 0.02,
            "median_rotation_deg": 0.1, "mean_inliers": 12.0, "refused": 1, "queries": 2, "false_accepts": 0,
            "unstable_fraction": None, "extract_ms": 7.6, "match_ms": 1234.5, "bytes_per_keypoint": 32, "failed": None,
        },
        {"scene": None, "condition": None, "method": "disk", "missing": "get weights"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of `sfd2 bench all`, as small as it goes, without photographs."""
    folder = tmp_path_factory.mktemp("bench") / "out"
    patch = pytest.MonkeyPatch()
    patch.delenv("SFD2_DATA", raising=False)
    small = ("--frames", "3", "--size", "160", "--conditions", "night", "--device", "cpu")
    code = main(["bench", "all", "-o", str(folder), "--methods", "sfd2,orb,disk", *small])
    patch.undo()
    assert code == 0
    return folder


def test_a_run_without_photographs_is_simulated_and_says_so(run: Path) -> None:
    content = json.loads((run / "bench.json").read_text())
    assert [one["bench"] for one in content["benches"]] == ["features", "pipeline", "speed", "simulator"]
    assert len(content["left_out"]) == 2
    assert "simulated towns only" in content["left_out"][0]
    assert {"machine", "commit", "command"} <= content.keys()
    assert content["machine"].endswith("cores")
    rows = {one["bench"]: one["rows"] for one in content["benches"]}
    assert {row["condition"] for row in rows["features"]} == {"night", None}
    assert {row["method"] for row in rows["features"]} == {"sfd2", "orb", "disk"}
    assert {(row["condition"], row["foreign"]) for row in rows["pipeline"] if row["foreign"]} == {("foreign", 3)}
    assert all(row["frames_per_second"] > 0 for row in rows["simulator"])
    for name, expected in rows.items():
        assert json.loads((run / f"{name}.json").read_text())["rows"] == expected


def test_the_page_of_a_run_asks_nothing_of_the_network_and_names_what_is_missing(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    asked = re.findall(r'(?:src|href|action)\s*=\s*"([^"]+)"', page)
    assert len(asked) == 7
    assert all(one.startswith("data:image/svg+xml;base64,") for one in asked)
    assert "disk is left out" in page
    assert "simulated towns only" in page
    assert page.count("<h2>") == 4


def test_speed_is_compared_on_the_same_image(run: Path) -> None:
    content = json.loads((run / "speed.json").read_text())
    ours, orb = (row for row in content["rows"] if "missing" not in row)
    assert (ours["method"], ours["first"], ours["times_first"]) == ("sfd2", "sfd2", 1.0)
    assert orb["times_first"] < 1
    assert orb["size"] == "160x120"
    low, high = orb["extract_ms_quartiles"]
    assert low <= orb["extract_ms"] <= high


def test_a_run_is_repeated_in_its_own_folder_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").touch()
    assert main(["bench", "all", "-o", str(tmp_path)]) == 1
    assert "not of an earlier run" in capfd.readouterr().err
    assert main(["bench", "all", "-o", str(tmp_path / "new"), "--data", str(tmp_path / "nowhere")]) == 1
    assert "nowhere' is no folder" in capfd.readouterr().err
    assert not (tmp_path / "new").exists()
    assert main(["bench", "all", "-o", str(tmp_path / "new"), "--only", "speed,fame", "--methods", "orb"]) == 2
    assert "'fame' is no bench of this run" in capfd.readouterr().err


def test_figures_of_several_files_come_on_one_page(run: Path, tmp_path: Path) -> None:
    files = [str(run / "simulator.json"), str(run / "pipeline.json")]
    arguments = ["--html", str(tmp_path / "r.html"), "--markdown", str(tmp_path / "t.md")]
    assert main(["bench", "report", *files, *arguments]) == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count("<h2>") == 2
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert text.index("Our localizer") < text.index("The simulator")


def test_wrong_figures_are_refused(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = str(run / "speed.json")
    (tmp_path / "no.json").write_text("[1]")
    for arguments, code, said in (
        ([good], 2, "name what to write"),
        ([good, good, "--markdown", str(tmp_path / "t.md")], 2, "two rows of the bench 'speed' are of 160x120, sfd2"),
        ([str(tmp_path / "no.json"), "--html", str(tmp_path / "r.html")], 1, "holds no figures of a bench"),
        ([str(tmp_path / "missing.json"), "--html", str(tmp_path / "r.html")], 1, "No such file"),
    ):
        assert main(["bench", "report", *arguments]) == code
        assert said in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["no.json"]
    with pytest.raises(ConfigError, match="'soak' is no bench"):
        joined([{"bench": "soak", "rows": []}])


def test_files_of_one_bench_are_joined_scene_by_scene() -> None:
    row, missing = FEATURES["rows"]
    other = {"bench": "features", "rows": [{**row, "method": "sift"}, {**row, "scene": "z"}, missing]}
    first = {"bench": "features", "rows": [row, missing, {**row, "scene": "z", "method": "sift"}]}
    (content,) = joined([first, other])
    assert [(one["scene"], one["method"]) for one in content["rows"]] == [
        ("a|b", "orb"), ("a|b", "sift"), (None, "disk"), ("z", "sift"), ("z", "orb"),
    ]  # fmt: skip


def test_a_table_has_every_figure_or_a_dash() -> None:
    table = table_of(FEATURES)
    assert len(table.rows) == 1
    cells = dict(zip(table.heading, table.rows[0], strict=True))
    assert cells["0.5 m, 5°"] == "50.0 %"
    assert cells["median error"] == "20.0 mm, 0.100°"
    assert cells["refused"] == "1 of 2"
    assert (cells["unstable keypoints"], cells["match ms"], cells["extract ms"]) == ("-", "1,234.5", "8")
    assert table.notes == ("disk is left out: get weights.",)
    text = markdown_of(table)
    assert text.startswith("| scene | condition |")
    assert "a\\|b" in text
    assert text.splitlines()[1].count("---") == len(table.heading)


def test_a_method_without_a_map_is_told(tmp_path: Path) -> None:
    row = {**FEATURES["rows"][0], "failed": "no landmark", "median_position_m": None}
    content: dict[str, Any] = {"bench": "features", "rows": [row]}
    assert table_of(content).notes == ("orb has no map of a|b: no landmark",)
    write_bench_report(tmp_path / "r.html", [content], note="n", lines=["<b>"])
    assert "&lt;b&gt;" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_photographs_are_found_by_their_place(tmp_path: Path) -> None:
    assert find_photographs(tmp_path) == PhotographSets()
    assert len(left_out(PhotographSets())) == 2
    for name in ("scenes/a", "scenes/b", "drives/c"):
        (tmp_path / "data" / name / "sparse").mkdir(parents=True)
        (tmp_path / "data" / name / "map.txt").touch()
    for name in ("scenes/b", "drives/c"):
        (tmp_path / "data" / name / "query.txt").touch()
    (tmp_path / "data" / "timelapse" / "d").mkdir(parents=True)
    found = find_photographs(tmp_path)
    assert [path.name for path in found.scenes] == ["b", "c"]
    assert [path.name for path in found.cameras] == ["d"]
    assert left_out(found) == []


def test_quartiles_are_those_of_the_values() -> None:
    assert quartiles(np.array([4.0, 1.0, 3.0, 2.0, 5.0])) == (2.0, 3.0, 4.0)
    assert quartiles(np.array([7.0])) == (7.0, 7.0, 7.0)
