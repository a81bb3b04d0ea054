# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sfd2_ros.core.errors import DependencyError, ImageError, WeightsError
from sfd2_ros.features import Extractor, ExtractorConfig, load_extractor
from sfd2_ros.features.aliked_extractor import AlikedExtractor
from sfd2_ros.features.aliked_network import AlikedNetwork, load_aliked_network

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with random values of ALIKED-n16."""
    kornia = pytest.importorskip("kornia.feature")
    path = tmp_path_factory.mktemp("aliked") / "aliked-n16.pth"
    torch.manual_seed(4)
    torch.save(kornia.ALIKED(model_name="aliked-n16").state_dict(), path)
    return path


def test_features_have_the_form_of_ours_and_the_stability_is_one_everywhere(
    weights: Path, texture: NDArray[np.uint8]
) -> None:
    extractor = load_extractor(weights, "cpu", 50, model="aliked-n16")
    found = extractor(texture)
    assert 0 < len(found) <= 50
    assert found.descriptors.shape == (len(found), 128)
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-5)
    assert (np.diff(found.scores) <= 0).all()
    assert (found.stability == 1).all()
    assert found.image_size == texture.shape[:2]
    assert found.weights_id == extractor.weights_id
    assert found.weights_id.startswith("aliked-n16-128d-")


def test_stability_is_that_of_our_network_at_the_keypoints(
    weights: Path, texture: NDArray[np.uint8], exact_extractor: Extractor
) -> None:
    extractor = AlikedExtractor(
        lambda device: load_aliked_network(weights, device), config=exact_extractor.config, stability=exact_extractor
    )
    found = extractor.with_config(dataclasses.replace(exact_extractor.config, refinement="none"))(texture)
    assert len(found) > 20
    image = torch.from_numpy(texture).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        wanted = exact_extractor.stability_of(image)[0].numpy()
    x, y = found.keypoints.round().astype(int).T
    np.testing.assert_array_equal(found.stability, wanted[y, x])
    assert extractor.weights_id.endswith(f"+{exact_extractor.weights_id}")
    plain = load_extractor(weights, model="aliked-n16").weights_id
    assert extractor.weights_id.startswith(plain)


def test_keypoint_that_moves_with_the_image_keeps_its_descriptor(weights: Path, texture: NDArray[np.uint8]) -> None:
    """The network's coarsest features have 32 px: moved by that much, all of it moves along."""
    extractor = load_extractor(weights, max_keypoints=400, model="aliked-n16")
    first, second = extractor(texture), extractor(texture[32:, 32:])
    apart = np.linalg.norm(first.keypoints[:, None] - 32 - second.keypoints[None], axis=2)
    here, there = np.nonzero(apart < 0.05)
    inner = (second.keypoints[there] > 40).all(axis=1)
    assert inner.sum() >= 5
    cosine = (first.descriptors[here] * second.descriptors[there]).sum(1)[inner]
    assert np.median(cosine) > 0.95


def test_image_without_structure_has_no_features_and_a_tiny_one_is_rejected(weights: Path) -> None:
    extractor = load_extractor(weights, model="aliked-n16")
    assert extractor(np.full((64, 96), 90, np.uint8)).descriptors.shape == (0, 128)
    with pytest.raises(ImageError, match="at least 32 pixels a side"):
        extractor(np.zeros((20, 96), np.uint8))


def test_settings_change_and_the_network_stays(weights: Path, texture: NDArray[np.uint8]) -> None:
    extractor = load_extractor(weights, model="aliked-n16")
    fewer = extractor.with_config(ExtractorConfig(max_keypoints=7))
    assert len(fewer(texture)) == 7
    assert fewer.weights_id == extractor.weights_id
    assert extractor.config.max_keypoints == 2048


def test_weights_must_be_named_and_fit(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model 'aliked-n16' ships no weights; name aliked-n16\.pth"):
        load_extractor(model="aliked-n16")
    torch.save({"conv.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"do not fit ALIKED-n16: conv\.weight"):
        load_extractor(tmp_path / "other.pth", model="aliked-n16")
    assert load_extractor(weights, model="aliked-n16+stability").weights_id.count("+") == 1


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "kornia.feature", None)
    with pytest.raises(DependencyError, match=r"pip install 'kornia>=0.9'"):
        load_aliked_network(tmp_path / "none.pth", torch.device("cpu"))


def test_identity_is_of_the_values(weights: Path, tmp_path: Path) -> None:
    entries = torch.load(weights, weights_only=True)
    name = next(name for name, value in entries.items() if value.is_floating_point())
    torch.save({**entries, name: entries[name] + 1}, tmp_path / "other.pth")
    cpu = torch.device("cpu")
    found: list[AlikedNetwork] = [load_aliked_network(path, cpu) for path in (weights, tmp_path / "other.pth", weights)]
    assert found[0].weights_id == found[2].weights_id != found[1].weights_id
