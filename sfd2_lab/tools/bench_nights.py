# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench nights`: fixed cameras, night against day, with the spread over cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import (
    ABSENT,
    method_options,
    methods_from,
    named_files,
    number,
    print_table,
    settings_of,
    share,
)
from sfd2_ros.tools.options import progress_bar, write_json


@click.command("nights")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option(
    "--frames", type=click.IntRange(1), default=3, show_default=True, help="Of each light and camera; all pairs count."
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME=FILE",
    callback=named_files,
    help="Further weights of our own network, to compare. May be repeated.",
)
@method_options
def nights(*, folders: tuple[Path, ...], frames: int, also: dict[str, Path], **options: Any) -> None:
    """Match frames by night with frames by day of many fixed cameras: FOLDERs of frames day_* and night_*.

    A FOLDER is a camera, or holds cameras. Cameras are divided into two halves, one to choose weights by and one to
    report. A match is right within 3 pixels. The spread is the standard error over cameras; ratios are to the first
    method.
    """
    from sfd2_lab.bench.nights import bench_nights, cameras_in, summarise  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.own_peer import OwnPeer  # noqa: PLC0415

    methods = methods_from(options)
    peers = dict(methods.ready)
    for name, path in also.items():
        if name in peers:
            raise click.UsageError(f"--also names {name!r} again, which is a method already")
        peers[name] = OwnPeer(options["max_keypoints"], path, options["device"])
    with progress_bar() as report:
        rows = bench_nights(cameras_in(folders), peers, report, frames=frames)
    summaries = summarise(rows)
    _write([*rows, *summaries], methods, options, frames)
    table = Table("cameras", "half", "method", "found again", "right", "precision", "ratio", box=SIMPLE)
    for row in rows:
        figures = row.figures
        again = number((figures.repeatability or 0.0) * figures.mean_keypoints)
        cells = (again, number(figures.correct_matches, 1), share(figures.precision), ABSENT)
        table.add_row(row.camera, row.half, row.method, *cells)
    for one in summaries:
        right = f"{one.correct_matches:.1f}" + ("" if one.spread is None else f" ± {one.spread:.1f}")
        ratio = f"{one.ratio:.3f}" + ("" if one.ratio_spread is None else f" ± {one.ratio_spread - 1:.3f}")
        cells = (number(one.repeated), right, share(one.precision), ratio)
        table.add_row(str(one.cameras), one.half, one.method, *cells)
    print_table(table)


def _write(rows: list[Any], methods: Any, options: dict[str, Any], frames: int) -> None:
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.two_view import CORRECT_PX  # noqa: PLC0415

    settings = {**settings_of(options, methods), "correct_px": CORRECT_PX, "frames": frames}
    write_json(options["json_path"], bench_as_json("nights", settings, rows, methods.missing))
