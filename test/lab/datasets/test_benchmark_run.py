# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The dataset commands on miniature copies, end to end: map, answers, table, submission; killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
Sfd2 = Callable[..., tuple[int, str, str]]


def test_robotcar_seasons_killed_in_the_middle_goes_on_and_gives_the_same(
    mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2
) -> None:
    root, figures_path = mini("robotcar-seasons"), tmp_path / "figures.json"
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    arguments = ["dataset", "run", "robotcar-seasons", str(root), "--all-views", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "sfd2_ros.tools.main", *arguments, "-o", str(killed)]
    answers = killed / "answers/001.jsonl"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not answers.is_file() or answers.read_bytes().count(b"\n") < 2:
            assert process.poll() is None, "the run ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    given = answers.read_bytes().count(b"\n")
    answers.write_bytes(answers.read_bytes() + b'["cut')  # as a crash of the machine may leave it
    assert given < 12
    assert not (killed / "table.md").exists()
    code, out, err = sfd2(*arguments, "-o", killed, "--json", figures_path)
    assert (code, err) == (0, "")
    figures = json.loads(figures_path.read_text("utf-8"))
    assert figures["resumed"] == given
    assert "terms: " in out
    assert sfd2(*arguments, "-o", whole)[0] == 0
    name = "RobotCar_eval_sfd2_ros.txt"
    assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert (killed / "table.md").read_bytes() == (whole / "table.md").read_bytes()
    assert not (killed / "features/001").exists()
    (night,) = figures["conditions"]
    assert night["queries"] == 12
    assert night["scores"]["recall"][1] > 0.2
    assert sfd2("dataset", "check", "robotcar-seasons", root, "--all-views", "--submission", whole / name)[0] == 0
    code, _, err = sfd2(*arguments, "-o", whole, "--settings", "paper")
    assert code == 1
    assert "other settings" in err


def test_robotcar_seasons_v2_with_the_settings_of_the_paper(
    mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2
) -> None:
    root = mini("robotcar-seasons")
    options = ["--settings", "paper", "--method", "mini", "--device", "cpu"]
    code, out, err = sfd2("dataset", "run", "robotcar-seasons-v2", root, "-o", tmp_path / "out", *options)
    assert (code, err) == (0, "")
    assert "| **mini (paper)**, this run |" in out
    assert "| SFD2 | 56.9 / 81.6 / 97.4 | 27.6 / 66.2 / 90.2 | 43.0 / 71.1 / 90.0 |" in out
    assert "A miniature copy" in out
    lines = (tmp_path / "out/RobotCar_eval_mini.txt").read_text("utf-8").splitlines()
    assert len(lines) == 2  # of the test list; every query has a pose with these settings, measured or retrieved


def test_aachen_with_a_list_of_pairs(mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2) -> None:
    root = mini("aachen")
    queries = [
        line.split()[0] for line in (root / "queries/night_time_queries_with_intrinsics.txt").read_text().splitlines()
    ]
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("".join(f"{query} db/{number}.jpg\n" for query in queries for number in (1, 2, 3)))
    arguments = ("dataset", "run", "aachen", root, "-o", tmp_path / "out", "--device", "cpu", "--pairs", pairs)
    code, _, err = sfd2(*arguments)
    assert code == 1
    assert "1 queries have no pairs: db/1.jpg" in err  # the list of the day has one image, of the reference
    pairs.write_text(pairs.read_text() + "db/1.jpg db/1.jpg\n")
    code, out, err = sfd2(*arguments)
    assert (code, err) == (0, "")
    assert "| SFD2 (NN) | 88.2 / 96.0 / 98.7 | 87.8 / 94.9 / 100.0 |" in out
    names = [line.split()[0] for line in (tmp_path / "out/Aachen_eval_sfd2_ros.txt").read_text().splitlines()]
    assert names
    assert all("/" not in name for name in names)
    pairs.write_text("db/1.jpg db/99.jpg\n" + pairs.read_text())
    code, _, err = sfd2("dataset", "run", "aachen", root, "-o", tmp_path / "new", "--pairs", pairs)
    assert code == 1
    assert "db/99.jpg" in err


def test_cmu_maps_each_slice(mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2) -> None:
    root, figures_path = mini("cmu"), tmp_path / "figures.json"
    arguments = ("dataset", "run", "cmu", root, "-o", tmp_path / "out", "--device", "cpu", "--json", figures_path)
    assert sfd2(*arguments)[0] == 0
    assert sorted(path.name for path in (tmp_path / "out/maps").iterdir()) == ["slice21", "slice3"]
    figures = json.loads(figures_path.read_text("utf-8"))
    assert [group["name"] for group in figures["groups"]] == ["urban", "park"]
    assert sum(group["scores"]["recall"][2] for group in figures["groups"]) > 0
    assert figures["submitted"] == sum(group["localized"] for group in figures["groups"])
    assert sfd2(*arguments)[0] == 0
    assert json.loads(figures_path.read_text("utf-8"))["resumed"] == figures["queries"]


def test_dataset_check_says_what_is_there(mini: Callable[[str], Path], sfd2: Sfd2, tmp_path: Path) -> None:
    code, out, _ = sfd2("dataset", "check", "aachen-v1.1", mini("aachen"))
    assert code == 0
    assert "sound; 1 places, 4 reference images, 5 queries" in out
    code, _, err = sfd2("dataset", "run", "aachen", mini("aachen"), "-o", tmp_path / "out", "--method", "my method")
    assert code == 2
    assert "'my method'" in err
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").touch()
    code, _, err = sfd2("dataset", "run", "aachen", mini("aachen"), "-o", tmp_path / "photos")
    assert code == 1
    assert "holds no run" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "kitti", "."], 2, "'kitti'"),
        (["check", "cmu", "nowhere"], 1, "'nowhere'"),
        (["check", "cmu", ".", "--slices", "a-b"], 2, "'a-b'"),
        (["run", "cmu", ".", "-o", "out", "--settings", "best"], 2, "'best'"),
    ],
)
def test_wrong_use_is_refused(arguments: list[str], code: int, message: str, sfd2: Sfd2) -> None:
    said = sfd2("dataset", *arguments)
    assert said[0] == code
    assert message in said[2]
