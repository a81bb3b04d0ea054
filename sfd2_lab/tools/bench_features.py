# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench features`: maps and localizes scenes with each method."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import (
    comma_list,
    method_options,
    methods_from,
    number,
    print_table,
    settings_of,
    share,
)
from sfd2_ros.tools.options import progress_bar, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_lab.bench.methods import Methods
    from sfd2_lab.bench.rows import FeatureRow

_DEFAULT_CONDITIONS = ("overcast", "night", "snow", "rain")


@click.command("features")
@click.option("--data", "scenes", multiple=True, type=click.Path(path_type=Path), help="Scene folder. May be repeated.")
@click.argument("more_scenes", nargs=-1, metavar="[SCENE]...", type=click.Path(path_type=Path))
@click.option("--simulate", "seeds", multiple=True, type=click.IntRange(0), help="Seed of a town. May be repeated.")
@click.option(
    "--conditions",
    callback=comma_list,
    help="Of the queries, by commas; of simulated towns by default overcast,night,snow,rain, of scenes all.",
)
@click.option("--frames", type=click.IntRange(2), default=20, show_default=True, help="Images of each simulated drive.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep simulated scenes and maps here; else they are removed."
)
@method_options
def command(
    *,
    scenes: tuple[Path, ...],
    more_scenes: tuple[Path, ...],
    seeds: tuple[int, ...],
    work: Path | None,
    **options: Any,
) -> None:
    """Map scenes with each method and localize their queries, everything else equal.

    Equal are images, number of keypoints, pairs, triangulation and PnP. A SCENE has images/, sparse/ with poses,
    map.txt and query.txt. A town of --simulate is mapped under an overcast sky and queried in each condition, in
    another session and from another line. Every map image is matched with every other one (up to 150) and every query
    with the whole map, by mutual nearest neighbours without a minimum similarity; guided matching is off. A method
    whose library or weights are missing has a row with the remedy.
    """
    folders = [*scenes, *more_scenes]
    if not folders and not seeds:
        raise click.UsageError("name scenes with --data, or towns with --simulate")
    twice = {folder.resolve().name for folder in folders}
    if len(twice) < len(folders) or len(set(seeds)) < len(seeds):
        raise click.UsageError("two scenes have the same name, so their rows could not be distinguished; rename one")
    methods = methods_from(options)
    with ExitStack() as stack:
        base = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sfd2_bench_")))
        report = stack.enter_context(progress_bar())
        rows = _run(folders, seeds, base, methods, report=report, options=options)
    _write(rows, methods, options)


def _run(
    folders: Sequence[Path],
    seeds: Sequence[int],
    base: Path,
    methods: Methods,
    *,
    report: Callable[[str, int, int], None],
    options: dict[str, Any],
) -> list[FeatureRow]:
    from sfd2_lab.bench.scenes import bench_scene  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_lab.bench.simulated_scenes import simulated_scene  # noqa: PLC0415

    towns = [
        simulated_scene(
            seed,
            options["conditions"] or _DEFAULT_CONDITIONS,
            options["frames"],
            base / "scenes",
            progress=report,
            device=options["device"],
        )
        for seed in seeds
    ]
    rows: list[FeatureRow] = []
    for folder in [*folders, *towns]:
        chosen = options["conditions"]
        rows += bench_scene(folder, methods.ready, work=base / "maps", progress=report, conditions=chosen)
    return rows


def _write(rows: Sequence[FeatureRow], methods: Methods, options: dict[str, Any]) -> None:
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.scenes import neutral_localizer_config, neutral_map_config  # noqa: PLC0415

    settings = {
        **settings_of(options, methods),
        "map": vars(neutral_map_config()),
        "localizer": dataclasses.asdict(neutral_localizer_config()),
    }
    write_json(options["json_path"], bench_as_json("features", settings, rows, methods.missing))
    print_table(_table(rows))


def _table(rows: Sequence[FeatureRow]) -> Table:
    heads = (
        "scene",
        "condition",
        "method",
        "0.25m 2°",
        "0.5m 5°",
        "5m 10°",
        "median",
        "inliers",
        "refused",
        "unstable",
    )
    table = Table(*heads, "extract", "match", "bytes", box=SIMPLE)
    for row in rows:
        median = number(None)
        if row.median_position_m is not None and row.median_rotation_deg is not None:
            median = f"{row.median_position_m * 1000:.0f} mm {row.median_rotation_deg:.2f}°"
        table.add_row(
            *(row.scene, row.condition, row.method, *(share(value) for value in row.recall), median),
            *(number(row.mean_inliers), f"{row.refused} of {row.queries}", share(row.unstable_fraction)),
            *(f"{number(row.extract_ms)} ms", f"{number(row.match_ms)} ms", str(row.bytes_per_keypoint)),
        )
    return table
