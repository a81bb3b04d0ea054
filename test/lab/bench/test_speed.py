# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of speed: what it times, how it takes ratios, and its command."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sfd2_lab.bench.extraction_speed import WHOLE, painted_image, time_cases
from sfd2_lab.bench.peak_memory import peak_megabytes
from sfd2_lab.bench.plain_extractor import PlainExtractor
from sfd2_lab.bench.processor_peak import matrix_peak, operations
from sfd2_lab.bench.speed_cases import SpeedCase, StageTimes, own_cases
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.inference import fold_norms
from sfd2_ros.features.quantised import quantised_model
from sfd2_ros.features.weights import build_network, read_weights
from sfd2_ros.tools.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

CPU = torch.device("cpu")
KEYS = {"network", "stage", "size", "device", "precision", "backend", "batch", "median_ms", "p95_ms"}
KEYS |= {"plain_median_ms", "ratio", "peak_mb", "floor_ms", "share"}


def burn(seconds: float) -> None:
    """Use processor time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def case_of(name: str, seconds: float, stages: StageTimes | None = None, *, is_single: bool = False) -> SpeedCase:
    """Return a way to extract that takes a known time."""

    def extract(images: Sequence[Any]) -> list[Any]:
        burn(seconds)
        return list(images)

    return SpeedCase(name, "float32", "torch", CPU, extract, stages, is_single=is_single)


def test_a_ratio_is_that_of_the_processor_times() -> None:
    images = [painted_image(16, 24)]
    cases = [case_of("half", 0.01)]
    floors = {("half", "float32"): (2.0, 5.0)}
    rows = time_cases(
        case_of("plain", 0.02), cases, images, rounds=3, floors=floors, max_keypoints=7, progress=lambda *_: None
    )
    assert [row.network for row in rows] == ["plain", "half"]
    assert rows[0].ratio == 1.0
    assert rows[1].ratio == pytest.approx(0.5, rel=0.15)
    assert rows[1].processor_ms == pytest.approx(10, rel=0.15)
    assert (rows[1].gflop, rows[1].floor_ms, rows[1].size, rows[1].rounds) == (2.0, 5.0, "24x16", 3)
    assert rows[0].gflop is None


def test_methods_that_take_one_image_have_no_row_of_a_batch() -> None:
    images = [painted_image(16, 24), painted_image(16, 24, 1)]
    cases = [case_of("single", 0.001, is_single=True), case_of("any", 0.001)]
    rows = time_cases(
        case_of("plain", 0.001), cases, images, rounds=1, floors={}, max_keypoints=7, progress=lambda *_: None
    )
    assert [(row.network, row.batch) for row in rows] == [("plain", 2), ("any", 2)]


def test_the_plain_extractor_finds_the_keypoints_of_ours() -> None:
    weights, config = read_weights(), ExtractorConfig(max_keypoints=200, precision="float32")
    image = painted_image(96, 128)
    plain, ours = PlainExtractor(weights, "cpu", config).extract_batch([image])[0], Extractor(weights, "cpu", config)
    found = ours(image)
    distances = np.linalg.norm(found.keypoints[:, None] - plain.keypoints[None], axis=2).min(axis=1)
    assert len(found) > 50
    assert (distances < 1.0).mean() > 0.98


def test_operations_are_counted_and_the_peak_is_measured() -> None:
    layer = torch.nn.Conv2d(3, 5, 3, padding=1)
    assert operations(layer, 8, 16) == 2 * 8 * 16 * 3 * 5 * 9
    assert operations(layer, 8, 16, batch=2) == 2 * operations(layer, 8, 16)
    assert 1e8 < matrix_peak(CPU, torch.float32) < 1e14


def test_the_peak_of_memory_is_that_of_the_call() -> None:
    peak_mb = peak_megabytes(lambda: np.ones(50 << 20, np.uint8).sum(), CPU)
    if peak_mb is None:
        pytest.skip("this system does not show the peak of a process")
    assert peak_mb < 80  # memory that the allocator kept from before is used again, and does not raise the peak


def test_stages_are_those_of_one_call_and_what_is_missing_is_named() -> None:
    config = ExtractorConfig(max_keypoints=50)
    cases, missing = own_cases(
        {"open": read_weights()}, "cpu", config, precisions=["float32"], backends=["torch", "tensorrt"]
    )
    assert len(cases) == 1
    assert "needs device cuda" in missing["open, tensorrt"]
    rows = time_cases(
        case_of("plain", 0.001),
        cases,
        [painted_image(64, 96)],
        rounds=2,
        floors={},
        max_keypoints=50,
        progress=lambda *_: None,
    )
    own = {row.stage: row for row in rows if row.network != "plain"}
    assert list(own) == [WHOLE, "prepare", "network", "keypoints"]
    assert sum(row.share for name, row in own.items() if name != WHOLE) == pytest.approx(1.0, abs=0.1)
    assert own["network"].share > 0.3


def test_a_quantised_model_is_timed_beside_the_weights(tmp_path: Path) -> None:
    pytest.importorskip(
        "onnx", reason="the optional library onnx is not installed: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    )
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is optional: pip install 'onnx>=1.16' 'onnxruntime>=1.18'")
    weights, model, out = read_weights(), tmp_path / "int8.onnx", tmp_path / "speed.json"
    header = {"weights_id": weights.weights_id, "descriptor_dim": str(weights.dimension)}
    network = fold_norms(build_network(weights))
    model.write_bytes(quantised_model(network, {"a": painted_image(64, 96)}, header))
    arguments = ["--sizes", "96x64", "--rounds", "1", "--keypoints", "100", "--precisions", "float32", "--peers", ""]
    assert main(["bench", "speed", *arguments, "--weights", str(model), "--device", "cpu", "--json", str(out)]) == 0
    rows = [row for row in json.loads(out.read_text())["rows"] if row["precision"] == "int8"]
    assert [row["stage"] for row in rows] == [WHOLE, "prepare", "network", "keypoints"]
    assert {(row["network"], row["backend"]) for row in rows} == {(weights.weights_id, "onnxruntime")}
    assert {row["floor_ms"] for row in rows} == {None}


def test_the_command_writes_its_rows_and_what_is_missing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "speed.json"
    arguments = ["--sizes", "96x64", "--rounds", "1", "--keypoints", "100", "--precisions", "float32"]
    arguments += ["--peers", "orb,aliked", "--device", "cpu", "--json", str(out)]
    assert main(["bench", "speed", *arguments]) == 0
    content = json.loads(out.read_text())
    rows = [row for row in content["rows"] if "missing" not in row]
    assert all(row.keys() >= KEYS for row in rows)
    assert {row["size"] for row in rows} == {"96x64"}
    assert {"orb"} < {row["network"] for row in rows}
    assert len({row["network"] for row in rows if row["backend"] == "torch"}) >= 3, "plain and both that ship"
    assert "aliked is left out" in capfd.readouterr().err
    assert main(["bench", "speed", "--sizes", "97x64"]) == 2
