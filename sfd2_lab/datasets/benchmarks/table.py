# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of a run: our row per group and condition, beside what was published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.benchmarks.published import published_rows
from sfd2_ros.evaluation.metrics import score_poses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfd2_lab.datasets.benchmarks.answers import Answer
    from sfd2_lab.datasets.benchmarks.benchmark import Benchmark, Query
    from sfd2_ros.evaluation.metrics import Scores


@dataclass(frozen=True)
class GroupResult:
    """What came of the queries of a condition, or of a group of conditions.

    Attributes:
        name: of it.
        queries: all.
        localized: with a measured pose.
        retrieved: with the pose of a reference image instead.
        scores: over the queries whose poses are public; None when there are none.
        seconds: mean seconds a query, for features and for the rest.
    """

    name: str
    queries: int
    localized: int
    retrieved: int
    scores: Scores | None
    seconds: tuple[float, float]


def results_by_condition(benchmark: Benchmark, answers: Mapping[str, Answer]) -> tuple[list[GroupResult], ...]:
    """Return the results by group, and by condition, each in the benchmark's order; empty ones are left out."""
    groups = [
        (name, [q for q in benchmark.queries if q.condition in members]) for name, members in benchmark.groups.items()
    ]
    conditions = sorted({query.condition for query in benchmark.queries})
    single = [(name, [q for q in benchmark.queries if q.condition == name]) for name in conditions]
    return tuple(
        [_result(name, queries, benchmark, answers) for name, queries in listed if queries]
        for listed in (groups, single)
    )


def _result(name: str, queries: Sequence[Query], benchmark: Benchmark, answers: Mapping[str, Answer]) -> GroupResult:
    given = [answers[query.name] for query in queries]
    truth = {query.name: benchmark.truth[query.name] for query in queries if query.name in benchmark.truth}
    poses = {name: pose for name in truth if (pose := answers[name].cam_from_map) is not None}
    features, rest = np.mean([one.seconds for one in given], axis=0).tolist()
    return GroupResult(
        name,
        len(queries),
        sum(one.status == "localized" for one in given),
        sum(one.status == "retrieved" for one in given),
        score_poses(poses, truth) if truth else None,
        (round(features, 4), round(rest, 4)),
    )


def table_text(benchmark: Benchmark, answers: Mapping[str, Answer], method: str) -> str:
    """Return the table as Markdown: recall in percent at (0.25 m, 2 deg) / (0.5 m, 5 deg) / (5 m, 10 deg)."""
    groups, conditions = results_by_condition(benchmark, answers)
    names = list(benchmark.groups)
    lines = [f"# {benchmark.name}", ""]
    if benchmark.is_miniature:
        lines += ["A miniature copy, simulated: its figures are no measure of the real data set.", ""]
    lines += [
        "| | queries | localized | retrieved only | poses public | recall |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for result in conditions:
        public = 0 if result.scores is None else result.scores.queries
        counts = f"{result.queries} | {result.localized} | {result.retrieved} | {public}"
        lines.append(f"| {result.name} | {counts} | {_recall(result.scores)} |")
    lines += ["", f"| method | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    own = {result.name: _recall(result.scores) for result in groups}
    lines.append(f"| **{method}**, this run | {' | '.join(own.get(name, '-') for name in names)} |")
    notes: list[str] = []
    for row in published_rows(benchmark.published):
        cells = [_percent(row.recall[name]) if name in row.recall else "-" for name in names]
        lines.append(f"| {row.method}{_mark(row.note, notes)} | {' | '.join(cells)} |")
    lines += ["", *(f"{_mark(note, notes)} {note}" for note in list(notes)), _explanation(benchmark)]
    return "\n".join(lines) + "\n"


def _mark(note: str, notes: list[str]) -> str:
    """Return the mark of a note, and keep the note when it is new."""
    if not note:
        return ""
    if note not in notes:
        notes.append(note)
    return f" [{notes.index(note) + 1}]"


def _recall(scores: Scores | None) -> str:
    return "not public" if scores is None else _percent([100 * share for share in scores.recall])


def _percent(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _explanation(benchmark: Benchmark) -> str:
    """Return with what the row of this run may be compared."""
    asked = len(benchmark.queries)
    public = sum(query.name in benchmark.truth for query in benchmark.queries)
    return (
        f"Recall is over the {public} of {asked} queries whose poses are public, every one counted, also those without "
        "a pose. Published rows are over all queries, by the evaluation server: submit the file for a row that "
        "compares."
    )
