# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2 weights verify`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights
from sfd2_ros.tools.main import main


@pytest.fixture
def webcams(tmp_path: Path) -> Path:
    """Return a folder with a webcam that shows one picture at four times."""
    folder = tmp_path / "webcams" / "square"
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (16, 20, 3), dtype=np.uint8)
    picture = cv2.resize(picture, (160, 128), interpolation=cv2.INTER_NEAREST)
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), picture // (index + 1))
    return tmp_path / "webcams"


@pytest.mark.parametrize("name", ["sfd2_open", "sfd2_s_open"])
def test_a_card_that_ships_is_of_the_weights_beside_it(name: str) -> None:
    weights = SHIPPED_WEIGHTS.with_name(f"{name}.safetensors")
    card = json.loads(weights.with_suffix(".card.json").read_text("utf-8"))
    assert card["weights_id"] == read_weights(weights).weights_id


def test_weights_without_a_card_are_measured(webcams: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    weights = shutil.copy(SHIPPED_WEIGHTS, tmp_path / "own.safetensors")
    assert main(["weights", "verify", str(weights), "--webcams", str(webcams), "--json", str(figures)]) == 0
    assert json.loads(figures.read_text())["measured"]["matches_square"] > 20


def test_figure_that_differs_from_the_card_is_said(
    webcams: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = shutil.copy(SHIPPED_WEIGHTS, tmp_path / "own.safetensors")
    card = {"weights_id": read_weights().weights_id, "measured": {"matches_square": 3.0}}
    (tmp_path / "own.card.json").write_text(json.dumps(card))
    assert main(["weights", "verify", str(weights), "--webcams", str(webcams)]) == 1
    assert "differ from the card: matches_square" in capsys.readouterr().err
    (tmp_path / "own.card.json").write_text(json.dumps(card | {"weights_id": "another"}))
    assert main(["weights", "verify", str(weights), "--webcams", str(webcams)]) == 1
    assert "is of 'another'" in capsys.readouterr().err


def test_without_photographs_nothing_can_be_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "verify"]) == 2
    assert "--labelled" in capsys.readouterr().err
