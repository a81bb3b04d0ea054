# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def outcome(latency_s: float, *, is_localized: bool = True, **steps: float) -> object:
    from sfd2_lab.bench.demo.replay import Outcome

    pose = np.eye(4)
    return Outcome("localized", "", pose if is_localized else None, pose, latency_s, 99, steps)


def test_parts_of_a_latency_are_named_for_readers_and_nothing_of_it_is_left_out() -> None:
    from sfd2_lab.bench.trials.latency import part_seconds

    steps = {"transport": 0.1, "extraction": 0.2, "retrieve": 0.3, "match": 0.4, "pose": 0.5, "anything": 0.6}
    parts = part_seconds(steps)
    assert parts == {"transport": 0.1, "extraction": 0.2, "matching": 0.7, "pnp": pytest.approx(1.1)}
    assert sum(parts.values()) == pytest.approx(sum(steps.values()))


def test_latencies_are_of_localized_frames_alone() -> None:
    from sfd2_lab.bench.trials.latency import latency_row

    row = latency_row([outcome(0.1, match=0.05), outcome(0.3, match=0.15), outcome(9.0, is_localized=False)])
    assert (row["frames"], row["localized"]) == (3, 2)
    assert row["stamp_to_pose"] == {"p50": 200.0, "p95": 290.0}
    assert row["matching"]["p50"] == 100.0
    assert latency_row([outcome(1.0, is_localized=False)])["pnp"] == {"p50": None, "p95": None}


def test_latencies_are_a_markdown_table_that_docs_can_take() -> None:
    from sfd2_lab.bench.trials.latency import latency_markdown, latency_row

    rows = [latency_row([outcome(0.1, match=0.05)]), latency_row([outcome(1.0, is_localized=False)])]
    named = [
        {"size": "640x480", "arrangement": "two_processes", "mode": mode} for mode in ("relocalizing", "following")
    ]
    machine = {"processor": "A CPU", "cores": 2, "load_average_1min": 0.5}
    figures = {
        "rows": [{**name, **row} for name, row in zip(named, rows, strict=True)],
        "device": "cpu",
        "machine": machine,
    }
    lines = latency_markdown(figures).splitlines()
    assert lines[0].startswith("| size | nodes | mode | localized | stamp to pose | transport |")
    assert lines[2].startswith("| 640x480 | two processes | searching the map | 1 of 1 | 100 / 100 | 0 / 0 |")
    assert lines[3].startswith("| 640x480 | two processes | following | 0 of 1 | - |")
    assert {line.count("|") for line in lines[:4]} == {12}
    assert lines[-1] == "A CPU, 2 cores; load average 0.5."


@pytest.mark.parametrize(("growth", "is_flat"), [(0.0, True), (30.0, True), (100.0, False), (-100.0, False)])
def test_slope_of_memory_is_found_within_its_uncertainty(growth: float, is_flat: bool) -> None:  # noqa: FBT001
    from sfd2_lab.bench.trials.soak import memory_slope

    generator = np.random.default_rng(3)
    seconds = np.arange(0, 3600.0, 5)
    slope = memory_slope(seconds, 800 + growth * seconds / 3600 + generator.normal(size=len(seconds)))
    assert abs(slope.per_hour_mib - growth) < 3 * slope.error_mib
    assert slope.is_flat == is_flat


def test_samples_that_resemble_their_neighbours_make_a_slope_less_certain() -> None:
    from sfd2_lab.bench.trials.soak import memory_slope

    seconds, generator = np.arange(0, 600.0, 1), np.random.default_rng(4)
    steps = generator.normal(size=len(seconds))
    alike = np.convolve(steps, np.ones(40) / np.sqrt(40), mode="same")
    certain, uncertain = memory_slope(seconds, steps), memory_slope(seconds, alike)
    assert uncertain.error_mib > 3 * certain.error_mib


def test_curve_of_a_soak_is_drawn(tmp_path: Path) -> None:
    from sfd2_lab.bench.trials.soak import write_curve

    samples = [{"seconds": 2.0 * i, "feature_node": 700.0 + i % 3, "poses": float(i)} for i in range(40)]
    memory = {"feature_node": {"slope_mib_per_hour": 1.0, "slope_error_mib": 2.0}}
    write_curve(
        tmp_path / "a.png",
        {"samples": samples, "memory": memory, "frames": 40, "poses": 39, "wrong": 0, "lost": 0},
    )
    assert (tmp_path / "a.png").stat().st_size > 10_000
