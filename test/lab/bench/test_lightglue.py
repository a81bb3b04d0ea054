# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LightGlue with random weights: its published ones are not at hand; names of entries and calls are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from sfd2_lab.bench.lightglue import load_lightglue
from sfd2_lab.bench.peer_weights import find_weights
from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.core.types import Features
from sfd2_ros.tools.main import main


@pytest.fixture(scope="module")
def kornia() -> Any:
    return pytest.importorskip("kornia.feature", reason="kornia needs Python 3.11: no LightGlue")


@pytest.fixture(scope="module")
def published(kornia: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return random weights of ALIKED's LightGlue, named as in the published files."""
    torch.manual_seed(5)
    named = {}
    for name, random in kornia.LightGlue(None, input_dim=128).state_dict().items():
        tensor = random * 40 if "final_proj" in name else random
        if "matchability.bias" in name:
            tensor = torch.full_like(random, 5)  # sure of its matches, as a trained one is
        parts = name.split(".")
        if parts[0] == "transformers":
            parts = [parts[2], parts[1], *parts[3:]]
        named[".".join(parts)] = tensor
    del named["confidence_thresholds"]
    assert any(name.startswith("self_attn.3.") for name in named)
    path = tmp_path_factory.mktemp("lightglue") / "aliked_lightglue.pth"
    torch.save(named, path)
    return path


def features(count: int, seed: int) -> Features:
    generator = np.random.default_rng(seed)
    descriptors = generator.normal(size=(count, 128)).astype(np.float32)
    return Features(
        keypoints=generator.uniform(0, [159, 119], (count, 2)).astype(np.float32),
        scores=np.ones(count, np.float32),
        stability=np.ones(count, np.float32),
        descriptors=descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True),
        image_size=(120, 160),
        weights_id="aliked-random",
    )


def test_matcher_says_what_the_network_of_the_library_says(kornia: Any, published: Path) -> None:
    first, second = features(40, 1), features(30, 2)
    network = kornia.LightGlue(None, input_dim=128).eval()
    state = torch.load(published, weights_only=True)
    renamed = {
        f"transformers.{name.split('.')[1]}.{name.split('.')[0]}.{name.split('.', 2)[2]}"
        if "_attn." in name
        else name: it
        for name, it in state.items()
    }
    assert network.load_state_dict(renamed, strict=False).missing_keys == ["confidence_thresholds"]
    size = torch.tensor([[160.0, 120.0]])
    pictures = [
        {"keypoints": torch.tensor(it.keypoints)[None], "descriptors": torch.tensor(it.descriptors)[None]}
        for it in (first, second)
    ]
    with torch.no_grad():
        expected = network({f"image{i}": {**it, "image_size": size} for i, it in enumerate(pictures)})
    found = load_lightglue("aliked", published, "cpu")(first, second)
    assert len(found) > 1
    assert np.array_equal(np.stack([found.query, found.target], axis=1), expected["matches"][0].numpy())
    assert np.allclose(found.similarity, expected["scores"][0].numpy())


def test_picture_without_keypoints_matches_nothing(kornia: Any, published: Path) -> None:
    assert len(load_lightglue("aliked", published, "cpu")(features(0, 1), features(5, 2))) == 0


def test_wrong_weights_and_methods_are_refused(kornia: Any, published: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no form for 'orb'"):
        load_lightglue("orb", published, "cpu")
    with pytest.raises(WeightsError, match="none of superpoint\\+lightglue"):
        load_lightglue("superpoint", published, "cpu")
    with pytest.raises(WeightsError, match=r"nothing\.pth"):
        load_lightglue("aliked", tmp_path / "nothing.pth", "cpu")


def test_weights_of_lightglue_are_not_taken_for_those_of_the_method(published: Path) -> None:
    other = published.parent / "aliked-n16.pth"
    other.write_bytes(b"")
    assert find_weights("aliked", None, published.parent, where="nowhere") == other


@pytest.mark.data
def test_bench_has_a_row_more_with_lightglue(
    kornia: Any,
    published: Path,
    shared_dir: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (15, 20, 3), np.uint8)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), cv2.resize(noise, (160, 120)))
    command = [
        "bench",
        "homographies",
        str(tmp_path / "images"),
        "--views",
        "1",
        "--methods",
        "aliked",
        "--max-keypoints",
    ]
    command += ["60", "--weights-of", f"aliked={shared_dir / 'weights' / 'aliked-n16.pth'}"]
    assert main([*command, "--lightglue", f"aliked={published}", "--json", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [row["method"] for row in rows] == ["aliked", "aliked+lightglue"]
    assert main([*command, "--lightglue", f"disk={published}"]) == 2
    assert "not among --methods" in capfd.readouterr().err
