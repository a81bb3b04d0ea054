# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.full_disk import room_for

from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights
from sfd2_ros.tools.main import main

BRIGHT = ("--brightness", "0.4")
"""Of the weights that ship; a .pth has no field for it."""


@pytest.fixture
def folder_of_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = {name: tensor for name, tensor in read_weights(SHIPPED_WEIGHTS).entries.items() if name != "ConvSta.bias"}
    torch.save(state, "in.pth")
    Path("in.txt").write_text("text")
    Path("there.safetensors").write_text("mine")


def test_info_tells_what_the_shipped_weights_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "info", "--json", str(tmp_path / "w.json")]) == 0
    told = json.loads((tmp_path / "w.json").read_text())
    assert told["weights_id"] == read_weights().weights_id
    assert told["descriptor_dim"] == 128
    assert told["terms"] == read_weights().terms
    assert told["weights_id"] in capsys.readouterr().out


def test_export_and_import_keep_the_identity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, output = tmp_path / "w.pth", tmp_path / "w.safetensors"
    assert main(["weights", "export", "-o", str(checkpoint)]) == 0
    assert read_weights().terms in capsys.readouterr().out
    state = torch.load(checkpoint, weights_only=True)
    assert state["convDb.weight"].dtype is torch.float32
    command = ["weights", "import", str(checkpoint), "-o", str(output), "--licence", "mine", "--training", "there"]
    command += BRIGHT
    assert main(command) == 0
    found = read_weights(output)
    assert found.weights_id == read_weights().weights_id
    assert (found.terms, found.training) == ("mine", "there")
    again = ["weights", "import", str(output), "-o", str(tmp_path / "again.safetensors"), "--licence", "mine"]
    assert main(again) == 0
    assert read_weights(tmp_path / "again.safetensors").brightness == 0.4
    assert main([*again, "--overwrite", "--brightness", "0"]) == 0
    assert read_weights(tmp_path / "again.safetensors").brightness == 0


def test_a_checkpoint_that_a_full_disk_cuts_off_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with room_for(100_000):
        assert main(["weights", "export", "-o", str(tmp_path / "w.pth")]) == 1
    assert "w.pth': File too large; free some space" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_brighten_changes_what_the_network_sees_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brighter, back, checkpoint = tmp_path / "b.safetensors", tmp_path / "back.safetensors", tmp_path / "b.pth"
    assert main(["weights", "brighten", "--level", "0.6", "-o", str(brighter)]) == 0
    shipped, read = read_weights(), read_weights(brighter)
    assert (shipped.brightness, read.brightness) == (0.4, 0.6)
    assert read.weights_id != shipped.weights_id
    assert read.terms == shipped.terms
    assert main(["weights", "brighten", str(brighter), "-o", str(back)]) == 0
    assert read_weights(back).weights_id == shipped.weights_id
    assert main(["weights", "brighten", "--level", "1", "-o", str(back), "--overwrite"]) == 2
    assert read_weights(back).weights_id == shipped.weights_id
    assert main(["weights", "export", str(brighter), "-o", str(checkpoint)]) == 0
    assert "no field for brightness 0.6" in capsys.readouterr().out


def test_average_lies_between_under_the_terms_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, other, output = tmp_path / "w.pth", tmp_path / "w.safetensors", tmp_path / "mean.safetensors"
    shipped = read_weights()
    state = {name: tensor.float() for name, tensor in shipped.entries.items()}
    torch.save({**state, "ConvSta.bias": state["ConvSta.bias"] + 1}, checkpoint)
    assert main(["weights", "import", str(checkpoint), "-o", str(other), "--licence", "research only", *BRIGHT]) == 0
    assert main(["weights", "average", str(SHIPPED_WEIGHTS), str(other), "-o", str(output)]) == 0
    mean = read_weights(output)
    torch.testing.assert_close(mean.entries["ConvSta.bias"], (state["ConvSta.bias"] + 0.5).half())
    assert mean.terms == f"research only; and {shipped.terms}"
    assert shipped.weights_id in mean.training
    assert mean.terms in capsys.readouterr().out
    assert main(["weights", "average", str(output), "-o", str(tmp_path / "one.safetensors")]) == 1
    assert not (tmp_path / "one.safetensors").exists()


def test_import_rounds_when_told(tmp_path: Path) -> None:
    state = {name: tensor.float() for name, tensor in read_weights().entries.items()}
    state["convDb.weight"] = state["convDb.weight"] * 1.0001
    torch.save(state, tmp_path / "w.pth")
    output = tmp_path / "w.safetensors"
    command = ["weights", "import", str(tmp_path / "w.pth"), "-o", str(output), "--licence", "mine"]
    assert main(command) == 0
    full = read_weights(output)
    assert main([*command, "--half", "--overwrite"]) == 0
    half = read_weights(output)
    assert half.entries["convDb.weight"].dtype is torch.float16
    assert half.weights_id != full.weights_id


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["import", "in.pth", "-o", "w.safetensors"], 2, "--licence"),
        (["import", "in.pth", "-o", "w.pth", "--licence", "x"], 2, "must end in '.safetensors'"),
        (["import", "none.pth", "-o", "w.safetensors", "--licence", "x"], 1, "no weights at"),
        (["import", "in.pth", "-o", "w.safetensors", "--licence", "x"], 1, "missing ConvSta.bias"),
        (["import", "in.pth", "-o", "there.safetensors", "--licence", "x"], 1, "--overwrite"),
        (["export", "-o", "w.safetensors"], 2, "must end in '.pth'"),
        (["info", "in.txt"], 1, "in.txt"),
    ],
)
@pytest.mark.usefixtures("folder_of_work")
def test_wrong_use_is_refused_with_its_reason_and_exit_code(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", *arguments]) == code
    assert message in capsys.readouterr().err
    assert not Path("w.safetensors").exists()
