# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2 ablate`, at a toy's size."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from sfd2_lab.training.ablation import summarise, table
from sfd2_ros.tools.main import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with two pictures and two variants of a run on them."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for index in range(2):
        image = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (128, 96), interpolation=0)
        cv2.imwrite(str(tmp_path / "images" / f"{index}.png"), image)
    source = {"folder": "images", "terms": "drawn", "is_open": True}
    for name, weight in (("without", 0.0), ("with", 1.0)):
        settings = {
            "run": {"terms": "open", "steps": 900, "crop_px": 256, "pairs": 8, "log_every": 1},
            "loss": {"stability_weight": weight},
            "corners": {"warps": 1},
            "validation": {"pairs": 1, "crop_px": 64, "keypoints": 30},
            "sources": [source],
            "validation_sources": [source],
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def arguments(data: Path, *more: str) -> list[str]:
    configs = [str(data / "without.yaml"), str(data / "with.yaml")]
    size = ["--steps", "2", "--crop-px", "64", "--pairs", "1", "--seeds", "2"]
    return ["ablate", *configs, "-o", str(data / "runs"), "--data", str(data), "--device", "cpu", *size, *more]


def test_variants_are_trained_with_every_seed_and_compared(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(data, "--max-minutes", "0")) == 0
    assert "stopped in without with seed 0" in capsys.readouterr().out
    assert main(arguments(data, "--json", str(data / "figures.json"))) == 0
    rows = capsys.readouterr().out.strip().splitlines()
    assert rows[0].startswith("| variant | 0-photographs/repeatability |")
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| without", "| with"]
    runs = json.loads((data / "figures.json").read_text())["runs"]
    assert [len(runs[name]) for name in ("without", "with")] == [2, 2]
    assert runs["with"][0] != runs["with"][1]  # the seeds differ
    assert main(arguments(data)) == 0  # finished runs are only read
    assert capsys.readouterr().out.strip().splitlines() == rows


def test_settings_that_measure_nothing_or_share_a_name_are_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((data / "with.yaml").read_text())
    del settings["validation_sources"]
    (data / "with.yaml").write_text(yaml.safe_dump(settings))
    assert main(arguments(data)) == 2
    assert "no validation_sources" in capsys.readouterr().err
    twice = [str(data / "without.yaml")] * 2
    assert main(["ablate", *twice, "-o", str(data / "runs")]) == 2
    assert "same file name" in capsys.readouterr().err


def test_summary_has_mean_and_spread() -> None:
    summary = summarise({"a": [{"x": 1.0}, {"x": 4.0}], "none yet": []})
    assert summary == {"a": {"x": (2.5, 3.0)}}
    assert table(summary).splitlines()[-1] == "| a | 2.500 (3.000) |"
    assert table({}) == "nothing measured yet"
