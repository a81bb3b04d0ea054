# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features import precision as module
from sfd2_ros.features.precision import PrecisionCache, PrecisionTimes, choose_precision, time_precisions

CPU = torch.device("cpu")
FASTER, SLOWER = PrecisionTimes(10.0, 5.0), PrecisionTimes(10.0, 40.0)


def never() -> PrecisionTimes:
    """Fail: the times are known."""
    raise AssertionError("measured although the times are known")


class FakeMachine:
    """A clock that moves by what a convolution costs in its format."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[torch.dtype, float]) -> None:
        self.now, self.runs = 0.0, dict.fromkeys(seconds, 0)
        self._seconds = seconds
        monkeypatch.setattr(F, "conv2d", self._run)

    def _run(self, image: torch.Tensor, _kernel: torch.Tensor, padding: int) -> None:
        assert padding == 1
        self.runs[image.dtype] += 1
        # The first runs are slow in every format, as those of a real processor are.
        self.now += self._seconds[image.dtype] * (50 if self.runs[image.dtype] == 1 else 1)

    def clock(self) -> float:
        """Return seconds."""
        return self.now


def test_the_faster_format_is_chosen_by_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for ratio, expected in ((0.25, torch.bfloat16), (0.8, torch.bfloat16), (0.95, torch.float32), (9, torch.float32)):
        machine = FakeMachine(monkeypatch, {torch.float32: 0.01, torch.bfloat16: 0.01 * ratio})
        times = time_precisions(machine.clock)
        assert times.fastest is expected, ratio
        assert times.float32_ms == pytest.approx(10)
        assert times.bfloat16_ms == pytest.approx(10 * ratio)


def test_a_format_that_is_hopelessly_slow_is_run_once_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine(monkeypatch, {torch.float32: 0.01, torch.bfloat16: 0.2})
    time_precisions(machine.clock)
    assert machine.runs[torch.bfloat16] == 2
    assert machine.runs[torch.float32] > 2


def test_a_layer_is_timed_on_this_machine() -> None:
    times = module.measured_precisions()
    assert 0 < times.float32_ms < 10_000
    assert 0 < times.bfloat16_ms < 10_000
    assert module.measured_precisions() is times


def test_a_named_precision_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measured_precisions", never)
    assert str(choose_precision("float16", CPU)) == "float16 (as set)"
    assert choose_precision("auto", torch.device("cuda")).dtype is torch.float16


def test_times_are_kept_for_the_machine_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PrecisionCache(tmp_path / "not" / "there" / "precision.json", "one machine")
    monkeypatch.setattr(module, "measured_precisions", lambda: FASTER)
    first = choose_precision("auto", CPU, cache)
    assert str(first) == "bfloat16 (auto: a layer takes 10.0 ms in float32, 5.0 ms in bfloat16, measured)"
    monkeypatch.setattr(module, "measured_precisions", never)
    again = choose_precision("auto", CPU, cache)
    assert again.dtype is torch.bfloat16
    assert again.reason.endswith("measured earlier")
    monkeypatch.setattr(module, "measured_precisions", lambda: SLOWER)
    other = choose_precision("auto", CPU, PrecisionCache(cache.path, "another machine"))
    assert other.dtype is torch.float32


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '"text"',
        '{"machine": "one machine"}',
        '{"machine": "one machine", "times": [1, 2]}',
        '{"machine": "one machine", "times": {"float32_ms": 1.0}}',
        '{"machine": "one machine", "times": {"float32_ms": 1.0, "bfloat16_ms": 0.5, "other": 1}}',
        '{"machine": "one machine", "times": {"float32_ms": "1", "bfloat16_ms": 0.5}}',
        '{"machine": "one machine", "times": {"float32_ms": NaN, "bfloat16_ms": 0.5}}',
        '{"machine": "one machine", "times": {"float32_ms": 0.0, "bfloat16_ms": -0.5}}',
        "\ufeff\x00",
    ],
)
def test_a_damaged_cache_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    cache = PrecisionCache(tmp_path / "precision.json", "one machine")
    cache.path.write_text(content, "utf-8")
    monkeypatch.setattr(module, "measured_precisions", lambda: SLOWER)
    assert choose_precision("auto", CPU, cache).reason.endswith(", measured")
    assert json.loads(cache.path.read_text("utf-8"))["times"] == {"float32_ms": 10.0, "bfloat16_ms": 40.0}


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measured_precisions", lambda: SLOWER)
    (tmp_path / "file").write_text("", "utf-8")
    for path in (tmp_path / "file" / "precision.json", tmp_path):
        assert choose_precision("auto", CPU, PrecisionCache(path, "one machine")).dtype is torch.float32
