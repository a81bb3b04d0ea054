# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Other backends than torch give the same features; without their libraries they are rejected with the remedy."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch

from sfd2_ros.core.errors import ConfigError, DependencyError
from sfd2_ros.features.architectures import architecture_of_model
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.inference import fold_norms
from sfd2_ros.features.model_names import MODELS
from sfd2_ros.features.onnx_export import decoding_as_onnx, network_as_onnx
from sfd2_ros.features.semantics import load_stability_table
from sfd2_ros.features.weights import build_network, read_weights
from sfd2_ros.tools.main import main

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.features.weights import Weights

CONFIG = ExtractorConfig(max_keypoints=500, precision="float32")


def painted(height: int, width: int) -> NDArray[np.uint8]:
    """Return an image with many corners."""
    generator = np.random.default_rng(5)
    image = np.full((height, width, 3), 90, np.uint8)
    for _ in range(150):
        x, y = (int(value) for value in generator.integers([0, 0], [width, height]))
        colour = [int(value) for value in generator.integers(0, 256, 3)]
        cv2.rectangle(image, (x, y), (x + 14, y + 9), colour, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return read_weights()


@pytest.fixture(scope="module")
def onnxruntime() -> Any:
    pytest.importorskip(
        "onnx", reason="the optional library onnx is not installed: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    )
    return pytest.importorskip(
        "onnxruntime", reason="ONNX Runtime is optional: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    )


def assert_equal_features(found: Features, expected: Features) -> None:
    """See that 99 % of the keypoints are within a pixel, with descriptors of a cosine of 0.999 or more."""
    assert len(expected) > 100
    distances = np.linalg.norm(expected.keypoints[:, None] - found.keypoints[None], axis=2)
    nearest = distances.argmin(axis=1)
    close = distances.min(axis=1) <= 1.0
    assert close.mean() >= 0.99
    cosines = np.sum(expected.descriptors[close] * found.descriptors[nearest[close]], axis=1)
    assert np.median(cosines) >= 0.999
    assert (cosines >= 0.999).mean() >= 0.99


def test_onnx_runtime_gives_the_features_of_torch_at_several_sizes(weights: Weights, onnxruntime: Any) -> None:
    del onnxruntime
    by_torch = Extractor(weights, "cpu", CONFIG)
    by_onnx = Extractor(weights, "cpu", dataclasses.replace(CONFIG, backend="onnxruntime"))
    for height, width in ((120, 160), (97, 131)):
        image = painted(height, width)
        assert_equal_features(by_onnx(image), by_torch(image))
    pair = [painted(96, 128), painted(96, 128)[::-1].copy()]
    for found, expected in zip(by_onnx.extract_batch(pair), by_torch.extract_batch(pair), strict=True):
        assert_equal_features(found, expected)
    assert str(by_onnx.precision) == "float32 (backend onnxruntime)"


def test_a_model_with_decoding_gives_the_features_of_torch(weights: Weights, onnxruntime: Any) -> None:
    network = fold_norms(build_network(weights))
    values = load_stability_table().class_values
    model = decoding_as_onnx(network, CONFIG, values, {"weights_id": weights.weights_id})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["weights_id"] == weights.weights_id
    for height, width in ((120, 160), (96, 136)):
        image = painted(height, width)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float().numpy() / 255
        keypoints, scores, stability, descriptors = session.run(None, {"images": pixels})
        assert keypoints.shape == (CONFIG.max_keypoints, 2)
        expected = Extractor(weights, "cpu", CONFIG)(image)
        kept = scores > 0
        assert kept.sum() == pytest.approx(len(expected), rel=0.01)
        found = dataclasses.replace(
            expected,
            keypoints=keypoints[kept],
            scores=scores[kept],
            stability=stability[kept],
            descriptors=descriptors[kept],
        )
        assert_equal_features(found, expected)


def test_the_exported_network_names_its_inputs_and_outputs(weights: Weights, onnxruntime: Any) -> None:
    session = onnxruntime.InferenceSession(
        network_as_onnx(fold_norms(build_network(weights))), providers=["CPUExecutionProvider"]
    )
    assert [one.name for one in session.get_inputs()] == ["images"]
    assert [one.name for one in session.get_outputs()] == ["detection_logits", "descriptors", "stability_logits"]


def test_export_writes_a_model_whole_or_not_at_all(tmp_path: Path, onnxruntime: Any) -> None:
    path = tmp_path / "sfd2.onnx"
    assert main(["weights", "export", "--onnx", str(path)]) == 0
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["weights_id"] == read_weights().weights_id
    assert metadata["brightness"] == "0.4"
    assert main(["weights", "export", "--onnx", str(path)]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["sfd2.onnx"]


def test_a_backend_without_its_library_is_rejected_with_the_remedy(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DependencyError, match=r"pip install 'onnx>=1.16'"):
        Extractor(weights, "cpu", dataclasses.replace(CONFIG, backend="onnxruntime"))


def test_tensorrt_on_a_cpu_is_rejected(weights: Weights) -> None:
    with pytest.raises(DependencyError, match="needs device cuda"):
        Extractor(weights, "cpu", dataclasses.replace(CONFIG, backend="tensorrt"))


def test_a_precision_that_a_backend_lacks_is_rejected(weights: Weights) -> None:
    config = dataclasses.replace(CONFIG, backend="onnxruntime", precision="bfloat16")
    with pytest.raises(ConfigError, match="'bfloat16' is for backend 'torch'"):
        Extractor(weights, "cpu", config)


def test_an_extractor_keeps_its_backend(weights: Weights) -> None:
    extractor = Extractor(weights, "cpu", CONFIG)
    with pytest.raises(ConfigError, match="make another one"):
        extractor.with_config(dataclasses.replace(CONFIG, backend="onnxruntime"))
    assert extractor.with_config(dataclasses.replace(CONFIG, max_keypoints=10)).config.max_keypoints == 10


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_exported_for_images_of_any_size(model: str, onnxruntime: Any) -> None:
    architecture = architecture_of_model(model)
    torch.manual_seed(3)
    network = fold_norms(architecture.build(architecture.dimensions[-1], 0.4))
    session = onnxruntime.InferenceSession(network_as_onnx(network), providers=["CPUExecutionProvider"])
    for height, width in ((64, 96), (104, 56), (40, 48)):
        images = torch.rand(1, 3, height, width)
        with torch.inference_mode():
            expected = network(images)
        for found, wanted in zip(session.run(None, {"images": images.numpy()}), expected, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4)
