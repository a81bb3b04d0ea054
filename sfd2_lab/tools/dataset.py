# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 dataset`: the benchmarks of long-term visual localization, from the download to the submission file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_lab.tools.dataset_traffic import traffic_cameras
from sfd2_ros.core.files import atomic_file
from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, weights_option, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_lab.datasets.benchmarks.benchmark import Benchmark
    from sfd2_lab.datasets.benchmarks.registry import Choice
    from sfd2_lab.datasets.benchmarks.run import BenchmarkRun

TABLE = "table.md"


@click.group("dataset")
def command() -> None:
    """Run benchmarks: robotcar-seasons, robotcar-seasons-v2, aachen, aachen-v1.1, cmu.

    ROOT is the unpacked data set in its own layout. docs/datasets.md lists the downloads.
    `traffic-cameras` sorts images for training.
    """


command.add_command(traffic_cameras)


def _choice_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose what of a data set is looked at."""
    options = (
        click.argument("name"),
        click.argument("root", type=click.Path(path_type=Path)),
        click.option("--slices", help="cmu: slices such as 2-6,13.  [default: those that are there]"),
        click.option("--all-views", is_flag=True, help="robotcar-seasons: the left and right camera too."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@_choice_options
@click.option("--submission", type=click.Path(path_type=Path), help="A submission file to be checked by the rules.")
@json_option
def check(
    *, name: str, root: Path, slices: str | None, all_views: bool, submission: Path | None, json_path: Path | None
) -> None:
    """Check all files of the data set NAME at ROOT; list missing, truncated and misnamed ones."""
    from sfd2_lab.datasets.benchmarks.registry import load_benchmark  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.datasets.benchmarks.submission import check_submission  # noqa: PLC0415

    benchmark = load_benchmark(name, root, _choice(slices, all_views=all_views))
    figures = _contents(benchmark)
    click.echo(
        f"{root}: sound; {figures['parts']} places, {figures['references']} reference images, {figures['queries']} "
        f"queries, the poses of {figures['public_poses']} of them public"
    )
    if submission is not None:
        figures["poses_submitted"] = check_submission(submission, benchmark)
        click.echo(f"{submission}: fit to be submitted; {figures['poses_submitted']} poses")
    write_json(json_path, figures)


@command.command()
@_choice_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the run; resumed.")
@click.option(
    "--settings", default="ours", show_default=True, help="ours; or paper: those of the published results of SFD2."
)
@click.option(
    "--pairs", type=click.Path(path_type=Path), help="Retrieval list, `query reference` a line, in place of ours."
)
@click.option("--method", default="sfd2_ros", show_default=True, help="Name of the method, for the submission file.")
@weights_option
@device_option
@json_option
def run(*, name: str, root: Path, slices: str | None, all_views: bool, **options: Any) -> None:
    """Map, localize and score the data set NAME at ROOT, and write the submission file.

    All files are checked first. The output folder has maps/, answers/, the submission file, and table.md: recall by
    condition where poses are public, beside the published rows. An interrupted run continues when it is called again.
    """
    from sfd2_lab.datasets.benchmarks.lists import read_pairs  # noqa: PLC0415 - see above
    from sfd2_lab.datasets.benchmarks.procedures import procedure_for  # noqa: PLC0415
    from sfd2_lab.datasets.benchmarks.registry import load_benchmark  # noqa: PLC0415
    from sfd2_lab.datasets.benchmarks.run import run_benchmark  # noqa: PLC0415
    from sfd2_lab.datasets.benchmarks.table import table_text  # noqa: PLC0415
    from sfd2_ros.features.extractor import Extractor  # noqa: PLC0415
    from sfd2_ros.features.weights import read_weights  # noqa: PLC0415

    quiet_colmap()
    procedure = procedure_for(options["settings"], name)
    benchmark = load_benchmark(name, root, _choice(slices, all_views=all_views))
    pairs = None if options["pairs"] is None else read_pairs(options["pairs"])
    weights = read_weights(options["weights"])
    click.echo(f"weights {weights.weights_id}; terms: {weights.terms}")
    extractor = Extractor(weights, options["device"], procedure.extraction)
    output, method = options["output"], options["method"]
    with progress_bar() as progress:
        done = run_benchmark(benchmark, output, extractor, procedure, pairs=pairs, method=method, progress=progress)
    text = table_text(benchmark, done.answers, f"{method} ({procedure.name})")
    with atomic_file(output / TABLE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_json(options["json_path"], _figures(benchmark, done, weights.weights_id, weights.terms))
    click.echo(text)
    click.echo(f"{output / TABLE}; {_said(done)}")


def _choice(slices: str | None, *, all_views: bool) -> Choice:
    from sfd2_lab.datasets.benchmarks.registry import Choice  # noqa: PLC0415 - see above

    if slices is None:
        return Choice(all_views)
    numbers: list[int] = []
    for part in slices.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise click.BadParameter(f"{slices!r}; numbers and ranges such as 2-6,13 are needed", param_hint="--slices")
        numbers += range(int(first), int(last or first) + 1)
    return Choice(all_views, tuple(numbers))


def _contents(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "parts": len(benchmark.parts),
        "references": sum(len(part.references) for part in benchmark.parts),
        "queries": len(benchmark.queries),
        "public_poses": sum(query.name in benchmark.truth for query in benchmark.queries),
        "to_submit": len(benchmark.submitted_names),
        "is_miniature": benchmark.is_miniature,
    }


def _figures(benchmark: Benchmark, done: BenchmarkRun, weights_id: str, terms: str) -> dict[str, Any]:
    from sfd2_lab.datasets.benchmarks.table import results_by_condition  # noqa: PLC0415 - see above

    groups, conditions = results_by_condition(benchmark, done.answers)
    return {
        **_contents(benchmark),
        "groups": [dataclasses.asdict(result) for result in groups],
        "conditions": [dataclasses.asdict(result) for result in conditions],
        "submitted": done.submitted,
        "resumed": done.resumed,
        "weights_id": weights_id,
        "terms": terms,
    }


def _said(done: BenchmarkRun) -> str:
    if done.submission is None:
        return "no pose to submit"
    return f"{done.submission}: {done.submitted} poses, fit to be submitted to visuallocalization.net"
