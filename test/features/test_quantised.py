# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in int8: nearly the same features, with the identity of the weights, from a file that is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.features import Extractor, ExtractorConfig, load_extractor
from sfd2_ros.features.onnx_export import with_metadata
from sfd2_ros.features.quantised import QuantisedExtractor
from sfd2_ros.tools.main import main

CONFIG = ExtractorConfig(max_keypoints=300)


@pytest.fixture(scope="module")
def onnxruntime() -> Any:
    pytest.importorskip(
        "onnx", reason="the optional library onnx is not installed: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    )
    return pytest.importorskip(
        "onnxruntime", reason="ONNX Runtime is optional: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    )


def painted(height: int, width: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    image = np.full((height, width, 3), 90, np.uint8)
    for _ in range(150):
        x, y = (int(value) for value in generator.integers([0, 0], [width, height]))
        colour = [int(value) for value in generator.integers(0, 256, 3)]
        cv2.rectangle(image, (x, y), (x + 14, y + 9), colour, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, onnxruntime: Any) -> Path:
    del onnxruntime
    folder = tmp_path_factory.mktemp("int8")
    (folder / "images").mkdir()
    for seed in range(5):
        cv2.imwrite(str(folder / "images" / f"{seed}.png"), painted(100, 140, seed))
    path = folder / "int8.onnx"
    assert main(["weights", "quantise", str(folder / "images"), "-o", str(path), "--max-images", "3"]) == 0
    return path


def test_features_are_nearly_those_of_the_weights(model: Path) -> None:
    ours: Extractor = load_extractor(config=CONFIG)
    quantised = load_extractor(model, config=CONFIG)
    assert isinstance(quantised, QuantisedExtractor)
    assert (quantised.weights_id, quantised.dimension) == (ours.weights_id, ours.dimension)
    assert str(quantised.precision) == "int8 (quantised with 3 images)"
    image = painted(121, 163, 9)
    found, expected = quantised(image), ours(image)
    assert len(expected) > 100
    distances = np.linalg.norm(expected.keypoints[:, None] - found.keypoints[None], axis=2)
    near = distances.min(axis=1) < 1
    assert near.mean() > 0.9
    cosines = np.sum(expected.descriptors[near] * found.descriptors[distances.argmin(axis=1)[near]], axis=1)
    assert np.median(cosines) > 0.99


def test_the_header_names_what_it_was_calibrated_with(model: Path, onnxruntime: Any) -> None:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    header = session.get_modelmeta().custom_metadata_map
    assert json.loads(header["calibration"]) == ["0.png", "2.png", "4.png"]
    assert header["terms"]


def test_settings_change_and_those_that_do_not_fit_are_rejected(model: Path) -> None:
    extractor = load_extractor(model, config=CONFIG)
    assert extractor.with_config(ExtractorConfig(max_keypoints=7)).config.max_keypoints == 7
    for wrong in (ExtractorConfig(precision="float32"), ExtractorConfig(backend="torch")):
        with pytest.raises(ConfigError, match="a quantised model needs precision 'auto'"):
            load_extractor(model, config=wrong)
        with pytest.raises(ConfigError, match="a quantised model needs precision 'auto'"):
            extractor.with_config(wrong)
    with pytest.raises(ConfigError, match="make another one"):
        extractor.with_config(ExtractorConfig(backend="onnxruntime"))


def test_files_that_are_no_quantised_models_are_rejected(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    wrong = {
        "missing.onnx": (None, "do not exist"),
        "cut.onnx": (content[: len(content) // 2], "cannot be opened"),
        "text.onnx": (b"no model", "cannot be opened"),
        "empty.onnx": (b"", "cannot be opened"),
        "other.onnx": (with_metadata(content, {"format": "sfd2-int8-9"}), "'sfd2-int8-9'"),
        "nameless.onnx": (with_metadata(content, {}), "no quantised model"),
    }
    for name, (given, words) in wrong.items():
        if given is not None:
            (tmp_path / name).write_bytes(given)
        with pytest.raises(WeightsError, match=words):
            load_extractor(tmp_path / name)


def test_a_folder_without_images_is_rejected_before_a_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "not_there"):
        assert main(["weights", "quantise", str(tmp_path / folder), "-o", str(tmp_path / "q.onnx")]) == 1
    assert not (tmp_path / "q.onnx").exists()
