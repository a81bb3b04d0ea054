# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Submission files: what the rules allow, and what they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sfd2_lab.datasets.benchmarks.benchmark import Benchmark
from sfd2_lab.datasets.benchmarks.registry import load_benchmark
from sfd2_lab.datasets.benchmarks.submission import check_submission, submission_name, write_submission
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("robotcar-seasons", "robotcar-seasons-v2", "aachen", "cmu")


@pytest.fixture(params=NAMES)
def benchmark(request: pytest.FixtureRequest, mini: Callable[[str], Path]) -> Benchmark:
    return load_benchmark(request.param, mini(request.param.removesuffix("-v2")))


def right(benchmark: Benchmark) -> dict[str, NDArray[np.float64]]:
    return {query.submitted: benchmark.truth[query.name] for query in benchmark.queries if query.submitted}


def test_the_truth_is_fit_to_be_submitted(benchmark: Benchmark, tmp_path: Path) -> None:
    path = tmp_path / submission_name(benchmark, "truth")
    write_submission(path, right(benchmark))
    assert check_submission(path, benchmark) == len(benchmark.submitted_names) > 0
    for line in path.read_text().splitlines():
        assert len(line.split()) == 8


def test_positions_in_place_of_translations_are_found_out(benchmark: Benchmark, tmp_path: Path) -> None:
    wrong = {}
    for name, pose in right(benchmark).items():
        wrong[name] = pose.copy()
        wrong[name][:3, 3] = inverse(pose)[:3, 3]
    path = tmp_path / submission_name(benchmark, "positions")
    write_submission(path, wrong)
    with pytest.raises(DatasetError, match="seem to be positions"):
        check_submission(path, benchmark)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda line: line.replace(" ", ", "), "fields|could not convert"),
        (lambda line: " ".join(line.split()[:7]), "line 1 has 7 fields"),
        (lambda line: f"images/{line}", "not of the form"),
        (lambda line: line.replace(line.split()[1], "7", 1), "length"),
        (lambda line: line.replace(line.split()[7], "nan", 1), "not finite"),
        (lambda line: f"{line}\n{line}", "has a pose already"),
        (lambda line: f"{line}\r", "as on Windows"),
        (lambda line: line.replace(line.split()[0], _other_name(line.split()[0])), "of no query"),
        (lambda _: "", "not one pose"),
    ],
)
def test_wrong_lines_are_refused(
    spoil: Callable[[str], str], message: str, benchmark: Benchmark, tmp_path: Path
) -> None:
    path = tmp_path / submission_name(benchmark, "wrong")
    write_submission(path, right(benchmark))
    first, *rest = path.read_text().splitlines()
    kept = [] if message == "not one pose" else rest
    path.write_bytes("\n".join([spoil(first), *kept, ""]).encode())
    with pytest.raises(DatasetError, match=message):
        check_submission(path, benchmark)


def _other_name(name: str) -> str:
    """Return a name of the same form that no query has."""
    stem, suffix = name.rsplit(".", 1)
    return f"{stem[:-2]}9{stem[-2:]}.{suffix}" if stem.endswith("us") else f"{stem}9.{suffix}"


def test_the_name_of_the_file_is_checked(mini: Callable[[str], Path], tmp_path: Path) -> None:
    benchmark = load_benchmark("robotcar-seasons", mini("robotcar-seasons"))
    path = tmp_path / "results.txt"
    write_submission(path, right(benchmark))
    with pytest.raises(DatasetError, match=r"RobotCar_eval_METHOD\.txt"):
        check_submission(path, benchmark)
    with pytest.raises(DatasetError, match="cannot be read"):
        check_submission(tmp_path / "RobotCar_eval_none.txt", benchmark)
