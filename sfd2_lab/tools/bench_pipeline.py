# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench pipeline`: our localizer beside plain hierarchical localization."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import comma_list, number, print_table, share
from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, weights_option, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_lab.bench.pipeline import PipelineRow

_CONDITIONS = ("night", "snow", "rain")


@click.command("pipeline")
@click.option("--data", "scenes", multiple=True, type=click.Path(path_type=Path), help="Scene folder. May be repeated.")
@click.option("--simulate", "seeds", multiple=True, type=click.IntRange(0), help="Seed of a town. May be repeated.")
@click.option(
    "--conditions",
    callback=comma_list,
    help="Of the queries, by commas; of simulated towns by default night,snow,rain, of scenes all.",
)
@click.option("--frames", type=click.IntRange(2), default=20, show_default=True, help="Images of a simulated drive.")
@click.option(
    "--foreign",
    "foreign_folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Scene of another place, whose images must be rejected. May be repeated.",
)
@click.option("--max-keypoints", type=int, default=2048, show_default=True, help="Budget of an image.")
@click.option("--work", type=click.Path(path_type=Path), help="Keep simulated scenes here; else they are removed.")
@weights_option
@device_option
@json_option
def command(
    *, scenes: tuple[Path, ...], seeds: tuple[int, ...], work: Path | None, json_path: Path | None, **options: Any
) -> None:
    """Compare our localizer with plain hierarchical localization, on the same images and features.

    Plain is such a pipeline in its simplest form: similar images by the same global descriptor, mutual nearest
    neighbours with each of them, COLMAP's RANSAC over the matches that have a landmark; every pose is accepted. "plain,
    12 inliers" rejects poses with fewer. Both use the same pairs of map images and COLMAP's triangulation. Times are
    from features to pose, in turn on the same image, so their ratio is valid on a busy machine too.
    """
    if not scenes and not seeds:
        raise click.UsageError("name scenes with --data, or towns with --simulate")
    if len({folder.resolve().name for folder in scenes}) < len(scenes) or len(set(seeds)) < len(seeds):
        raise click.UsageError("two scenes have the same name, so their rows could not be distinguished; rename one")
    quiet_colmap()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sfd2_bench_")))
        report = stack.enter_context(progress_bar())
        rows = _run(scenes, seeds, scratch, work or scratch, report=report, options=options)
    _write(rows, json_path, options)
    print_table(_table(rows))


def _run(
    scenes: Sequence[Path],
    seeds: Sequence[int],
    scratch: Path,
    work: Path,
    *,
    report: Callable[[str, int, int], None],
    options: dict[str, Any],
) -> list[PipelineRow]:
    from sfd2_lab.bench.pipeline import ForeignScene, bench_pipeline  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.simulated_scenes import simulated_scene  # noqa: PLC0415
    from sfd2_ros.features import load_extractor  # noqa: PLC0415

    device, chosen = options["device"], options["conditions"]
    extractor = load_extractor(options["weights"], device, max_keypoints=options["max_keypoints"])
    towns = [
        simulated_scene(
            seed,
            chosen or _CONDITIONS,
            options["frames"],
            work / "scenes",
            progress=report,
            device=str(extractor.device),
        )
        for seed in seeds
    ]
    rows: list[PipelineRow] = []
    for index, folder in enumerate([*scenes, *towns]):
        foreign = [ForeignScene(one) for one in options["foreign_folders"] if one.resolve() != folder.resolve()]
        place = scratch / "maps" / str(index)
        rows += bench_pipeline(folder, extractor, work=place, progress=report, conditions=chosen, foreign=foreign)
    return rows


def _write(rows: Sequence[PipelineRow], json_path: Path | None, options: dict[str, Any]) -> None:
    from sfd2_lab.bench.plain_localizer import CANDIDATES, MAX_ERROR_PX  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415

    plain = {"candidates": CANDIDATES, "max_error_px": MAX_ERROR_PX}
    settings = {"max_keypoints": options["max_keypoints"], "device": options["device"], "plain": plain}
    write_json(json_path, bench_as_json("pipeline", settings, rows, {}))


def _table(rows: Sequence[PipelineRow]) -> Table:
    heads = (
        "scene",
        "condition",
        "pipeline",
        "0.25m 2°",
        "0.5m 5°",
        "5m 10°",
        "median",
        "false accepts",
        "ms",
        "map MB",
    )
    table = Table(*heads, box=SIMPLE)
    for row in rows:
        median = number(None)
        if row.median_position_m is not None and row.median_rotation_deg is not None:
            median = f"{row.median_position_m * 1000:.1f} mm {row.median_rotation_deg:.3f}°"
        recall = [share(value if row.queries else None) for value in row.recall]
        accepted = f"{row.false_accepts} of {row.foreign or row.queries}"
        times = f"{row.times_ours:.2f} ({row.times_ours_quartiles[0]:.2f}-{row.times_ours_quartiles[1]:.2f})"
        costs = (number(row.localize_ms), times, number(row.map_bytes / 1e6, 1))
        table.add_row(row.scene, row.condition, row.method, *recall, median, accepted, *costs)
    return table
