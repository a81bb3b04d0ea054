# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2 simulate`."""

import json
from pathlib import Path

import pytest

from sfd2_lab.simulation.sensors import FAULTS
from sfd2_lab.simulation.world import ROUTES
from sfd2_ros.tools.main import main


def test_simulate_writes_a_scene_and_its_figures(tmp_path: Path) -> None:
    arguments = ["simulate", "--frames", "1", "--condition", "overcast,night", "--size", "96x72", "--route", "corridor"]
    assert main([*arguments, "-o", str(tmp_path / "scene"), "--json", str(tmp_path / "figures.json")]) == 0
    assert (tmp_path / "scene/images/night/000000.jpg").is_file()
    assert (tmp_path / "scene/query.txt").read_text(encoding="utf-8") == "night/000000.jpg\n"
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["pictures"] == 2
    assert figures["frames_per_second"] > 0
    assert main([*arguments, "-o", str(tmp_path / "scene")]) == 1


def test_help_names_every_route_and_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--help"]) == 0
    text = capsys.readouterr().out
    assert [name for name in (*ROUTES, *FAULTS) if name not in text] == []


def test_a_folder_that_is_no_scene_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").touch()
    for option in ("-o", "--bag"):
        assert main(["simulate", "--frames", "1", option, str(tmp_path / "photos"), "--overwrite"]) == 1
        assert "is not replaced" in capsys.readouterr().err
    assert (tmp_path / "photos/a.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one output"),
        (["-o", "a", "--bag", "b"], "name one output"),
        (["-o", "a", "--size", "640"], "'640'"),
        (["-o", "a", "--size", "100000x100000"], "16 to 4096"),
        (["-o", "a", "--rate", "0"], "'--rate'"),
        (["-o", "a", "--rate", "inf"], "'--rate'"),
        (["-o", "a", "--speed", "-1"], "'--speed'"),
        (["-o", "a", "--lateral", "nan"], "'nan' is no number between -50 and 50"),
        (["-o", "a", "--condition", "eclipse"], "'eclipse'"),
        (["-o", "a", "--rig", "drone"], "'drone'"),
        (["--bag", "b", "--condition", "overcast,night"], "overcast, night"),
        (["-o", "a", "--seed", "-1"], "-1"),
        (["-o", "a", "--gnss", "1"], "are for a bag"),
        (["--bag", "b", "--fault", "meteor"], "unknown fault 'meteor'; allowed: odometry_jump"),
        (["--bag", "b", "--fault", "gnss_outliers"], "needs a GNSS receiver"),
    ],
)
def test_wrong_use_is_refused_with_the_value(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
