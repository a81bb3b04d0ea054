# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All benches of a run as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.plots import draw_groups
from sfd2_lab.bench.tables import TITLES, table_of
from sfd2_lab.reports.embedded import draw_svg
from sfd2_lab.reports.page import write_page
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sfd2_lab.bench.tables import BenchTable

    Content = Mapping[str, Any]

_WIDTH_IN = 10.5


@dataclass(frozen=True)
class _Figure:
    source: str
    caption: str


@dataclass(frozen=True)
class _Part:
    table: BenchTable
    figures: list[_Figure]


@dataclass(frozen=True)
class _Plot:
    """What is drawn of a bench: a figure by group and method."""

    caption: str
    group: Callable[[Mapping[str, Any]], str]
    value: Callable[[Mapping[str, Any]], float | None]
    label: str
    is_share: bool = False
    is_logarithmic: bool = False


def write_bench_report(path: Path, benches: Sequence[Content], *, note: str, lines: Sequence[str] = ()) -> None:
    """Write the report.

    Args:
        path: HTML file; an older one is replaced.
        benches: what benches wrote as JSON.
        note: below the title: machine, commit, command.
        lines: further paragraphs.

    Raises:
        ConfigError: content that is of no bench, or two rows for the same thing.
        OutputError: the folder cannot be written.
    """
    parts = [_Part(table_of(content), _figures(content)) for content in joined(benches)]
    write_page(path, "bench.html.j2", title="Benchmarks of sfd2_ros", note=note, lines=lines, parts=parts)


def joined(benches: Sequence[Content]) -> list[Content]:
    """Join the rows of benches of one kind, and return the kinds in the order of a report.

    Rows of one scene and condition come together, whatever files they are from.

    Raises:
        ConfigError: content that is of no bench, or two rows for the same thing.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in TITLES}
    for one in benches:
        name = str(one.get("bench"))
        if name not in rows:
            raise ConfigError(f"{name!r} is no bench that a report shows; allowed: {', '.join(TITLES)}")
        rows[name] += one["rows"]
    return [{"bench": name, "rows": _together(name, found)} for name, found in rows.items() if found]


def _together(bench: str, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort rows by what was measured, methods as they come; a missing method is told once."""
    places: dict[tuple[Any, ...], int] = {}
    kept: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        measured = tuple(row.get(key) for key in ("scene", "condition", "light", "size"))
        identity = (*measured, row.get("method"))
        if identity in kept and "missing" not in row:
            said = ", ".join(str(part) for part in identity if part is not None)
            raise ConfigError(f"two rows of the bench {bench!r} are of {said}; leave one of the files out")
        places.setdefault(measured, len(places))
        kept[identity] = row
    return [kept[identity] for identity in sorted(kept, key=lambda one: places[one[:-1]])]


def _figures(content: Content) -> list[_Figure]:
    drawn = []
    for plot in _PLOTS.get(str(content["bench"]), ()):
        values: dict[str, dict[str, float]] = {}
        for row in content["rows"]:
            value = None if "missing" in row else plot.value(row)
            if value is not None:
                values.setdefault(plot.group(row), {})[str(row.get("method", "simulator"))] = value
        if values:
            draw = partial(
                draw_groups,
                values=values,
                label=plot.label,
                is_share=plot.is_share,
                is_logarithmic=plot.is_logarithmic,
            )
            drawn.append(_Figure(draw_svg(draw, _WIDTH_IN, 3.0), plot.caption))
    return drawn


def _scene(row: Mapping[str, Any]) -> str:
    return str(row["scene"]) if row["condition"] == "all" else f"{row['scene']} {row['condition']}"


def _fine_recall(row: Mapping[str, Any]) -> float | None:
    return float(row["recall"][0]) if row["queries"] else None


def _foreign_accepted(row: Mapping[str, Any]) -> float | None:
    return row["false_accepts"] / row["foreign"] if row.get("foreign") and not row["queries"] else None


_PLOTS = {
    "features": (
        _Plot("Queries within 0.25 m and 2°.", _scene, _fine_recall, "recall [%]", is_share=True),
        _Plot("Inliers of a query, 0 for rejected ones.", _scene, lambda row: row.get("mean_inliers"), "inliers"),
    ),
    "timelapse": (
        _Plot(
            "Right matches by keypoints.",
            lambda row: f"{row['scene']} {row['light']}",
            lambda row: row.get("matching_score"),
            "matching score [%]",
            is_share=True,
        ),
    ),
    "pipeline": (
        _Plot("Queries within 0.25 m and 2°.", _scene, _fine_recall, "recall [%]", is_share=True),
        _Plot(
            "Images of another place that got a pose; none should.",
            _scene,
            _foreign_accepted,
            "accepted [%]",
            is_share=True,
        ),
        _Plot(
            "Time from features to pose, as a multiple of ours on the same image.",
            _scene,
            lambda row: row.get("times_ours"),
            "times ours",
        ),
    ),
    "speed": (
        _Plot(
            "Time of an extraction, as a multiple of the first method's on the same image.",
            lambda row: str(row["size"]),
            lambda row: row.get("times_first"),
            "times the first",
            is_logarithmic=True,
        ),
    ),
    "simulator": (
        _Plot(
            "Images a second.",
            lambda row: str(row["condition"]),
            lambda row: row.get("frames_per_second"),
            "images a second",
        ),
    ),
}
