# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of benches as tables, for pages and for Markdown alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = Mapping[str, Any]
    Column = tuple[str, Callable[[Row], str]]

ABSENT = "-"
TITLES = {
    "features": "Features: same images, keypoints, pairs, triangulation and pose solver",
    "timelapse": "Fixed cameras through days and nights",
    "homographies": "Homographies",
    "labels": "Keypoints on what does not last",
    "pipeline": "Our localizer and plain hierarchical localization, same features",
    "drives": "Maps of a robot's own drive: odometry before, map after",
    "speed": "Time of an extraction, turn about on the same images",
    "simulator": "The simulator",
}
"""Of the benches, in the order of a report."""


@dataclass(frozen=True)
class BenchTable:
    """One table.

    Attributes:
        bench: name of the bench.
        title: in words.
        heading: of the columns.
        rows: cells, as many in each as the heading has.
        notes: what is missing, and why.
    """

    bench: str
    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def table_of(content: Mapping[str, Any]) -> BenchTable:
    """Return the table of what a bench wrote as JSON; figures that it lacks are "-"."""
    bench = str(content["bench"])
    columns = _COLUMNS[bench]
    present = [row for row in content["rows"] if "missing" not in row]
    notes = [f"{row['method']} is left out: {row['missing']}." for row in content["rows"] if "missing" in row]
    failed = [row for row in present if row.get("failed")]
    notes += [f"{row['method']} has no map of {row['scene']}: {row['failed']}" for row in failed if "method" in row]
    notes += [f"no map of {row['scene']}: {row['failed']}" for row in failed if "method" not in row]
    return BenchTable(
        bench=bench,
        title=TITLES[bench],
        heading=tuple(name for name, _ in columns),
        rows=tuple(tuple(cell(row) for _, cell in columns) for row in present),
        notes=tuple(dict.fromkeys(notes)),
    )


def markdown_of(table: BenchTable) -> str:
    """Return a table as Markdown, without its title."""
    lines = [table.heading, tuple("---" for _ in table.heading), *table.rows]
    text = "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
    return text + "".join(f"\n{note}\n" for note in table.notes)


def _text(key: str) -> Callable[[Row], str]:
    return lambda row: str(row.get(key, ABSENT))


def _number(key: str, digits: int = 0, scale: float = 1.0) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(key)
        return ABSENT if value is None else f"{value * scale:,.{digits}f}"

    return cell


def _share(key: str, index: int | None = None) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(key)
        if value is None or row.get("queries") == 0:
            return ABSENT
        return f"{100 * (value if index is None else value[index]):.1f} %"

    return cell


def _pair(before: str, after: str, digits: int, factor: float = 1.0) -> Callable[[Row], str]:
    """Return a cell with a figure before and after."""

    def cell(row: Row) -> str:
        values = [row.get(before), row.get(after)]
        return " → ".join(ABSENT if value is None else f"{value * factor:.{digits}f}" for value in values)

    return cell


def _spread(key: str, digits: int) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value, ends = row.get(key), row.get(f"{key}_quartiles")
        if value is None or ends is None:
            return ABSENT
        return f"{value:,.{digits}f} ({ends[0]:,.{digits}f} to {ends[1]:,.{digits}f})"

    return cell


def _median(row: Row) -> str:
    metres, degrees = row.get("median_position_m"), row.get("median_rotation_deg")
    return ABSENT if metres is None or degrees is None else f"{metres * 1000:.1f} mm, {degrees:.3f}°"


def _accepted(row: Row) -> str:
    return f"{row['false_accepts']} of {row['queries'] + row.get('foreign', 0)}"


_RECALL: tuple[Column, ...] = (
    ("0.25 m, 2°", _share("recall", 0)),
    ("0.5 m, 5°", _share("recall", 1)),
    ("5 m, 10°", _share("recall", 2)),
    ("median error", _median),
)
_PAIRS: tuple[Column, ...] = (
    ("pairs", _number("pairs")),
    ("repeatability", _share("repeatability")),
    ("right matches", _number("correct_matches", 1)),
    ("precision", _share("precision")),
    ("matching score", _share("matching_score")),
)
_COSTS: tuple[Column, ...] = (
    ("extract ms", _number("extract_ms")),
    ("match ms", _number("match_ms", 1)),
    ("bytes a keypoint", _number("bytes_per_keypoint")),
)
_METHOD: Column = ("method", _text("method"))
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "features": (
        ("scene", _text("scene")),
        ("condition", _text("condition")),
        _METHOD,
        *_RECALL,
        ("inliers", _number("mean_inliers")),
        ("refused", lambda row: f"{row['refused']} of {row['queries']}"),
        ("false accepts", _number("false_accepts")),
        ("unstable keypoints", _share("unstable_fraction")),
        *_COSTS,
    ),
    "timelapse": (("camera", _text("scene")), ("light", _text("light")), _METHOD, *_PAIRS, *_COSTS),
    "homographies": (
        ("photographs", _text("scene")),
        _METHOD,
        *_PAIRS,
        *((f"within {limit} px", _share("homography_within", place)) for place, limit in enumerate((1, 3, 5))),
        *_COSTS,
    ),
    "labels": (
        ("photographs", _text("scene")),
        _METHOD,
        ("images", _number("images")),
        ("keypoints", _number("mean_keypoints")),
        ("unstable keypoints", _share("unstable_fraction")),
        ("unstable area", _share("unstable_area")),
    ),
    "pipeline": (
        ("scene", _text("scene")),
        ("condition", _text("condition")),
        ("pipeline", _text("method")),
        *_RECALL,
        ("false accepts", _accepted),
        ("ms, features to pose", _spread("localize_ms", 0)),
        ("times ours", _spread("times_ours", 2)),
        ("map MB", _number("map_bytes", 1, 1e-6)),
        ("map s", _number("map_seconds", 1)),
    ),
    "drives": (
        ("drive", _text("scene")),
        ("images", _number("images")),
        ("median m", _pair("before_median_m", "after_median_m", 3)),
        ("scale aligned m", _pair("before_scaled_median_m", "after_scaled_median_m", 3)),
        ("largest m", _pair("before_worst_m", "after_worst_m", 3)),
        ("degrees", _pair("before_median_deg", "after_median_deg", 2)),
        ("gap m", _pair("before_gap_m", "after_gap_m", 3)),
        ("scale %", _pair("before_scale_error", "after_scale_error", 2, 100)),
        ("on the earth m", _number("absolute_m", 3)),
        ("loops found", _number("loops_found")),
        ("rejected", _number("loops_rejected")),
        ("recall", _share("recall")),
        ("with true poses", _share("recall_true_poses")),
        ("s", _number("seconds")),
    ),
    "speed": (
        ("size", _text("size")),
        _METHOD,
        ("images", _number("images")),
        ("ms", _spread("extract_ms", 0)),
        ("times the first", _spread("times_first", 2)),
    ),
    "simulator": (
        ("condition", _text("condition")),
        ("size", _text("size")),
        ("pictures", _number("pictures")),
        ("a second", _number("frames_per_second", 2)),
        ("ms", _spread("frame_ms", 0)),
        ("processor s an image", _number("processor_s", 2)),
        ("threads", _number("threads")),
    ),
}
