# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench timelapse` and `sfd2 bench homographies`: pairs of views whose true relation is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import (
    method_options,
    methods_from,
    named_files,
    number,
    print_table,
    settings_of,
    share,
)
from sfd2_ros.tools.options import progress_bar, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.bench.methods import Methods
    from sfd2_lab.bench.two_view import Matcher, PairFigures

_seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the random choices."
)
_lightglue_option = click.option(
    "--lightglue",
    multiple=True,
    metavar="METHOD=FILE",
    callback=named_files,
    help="Match aliked, disk, superpoint or xfeat by LightGlue of these weights too. May be repeated.",
)
_FIGURES = ("pairs", "keypoints", "repeated", "right", "precision", "score")


@click.command("timelapse")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option(
    "--pairs", type=click.IntRange(1), default=100, show_default=True, help="Most pairs of each kind and camera."
)
@click.option(
    "--night-below",
    type=click.FloatRange(0, 255),
    default=85.0,
    show_default=True,
    help="Frames of less mean brightness (0 to 255) are night.",
)
@_seed_option
@_lightglue_option
@method_options
def timelapse(
    *,
    folders: tuple[Path, ...],
    pairs: int,
    night_below: float,
    seed: int,
    lightglue: dict[str, Path],
    **options: Any,
) -> None:
    """Match frames of fixed cameras, one FOLDER each: a static point keeps its pixel.

    A frame is night if its mean brightness is low, so a night in fog or with a long exposure counts as day. Pairs by
    day, between night and day, and by night are listed separately. A keypoint or match is right within 3 pixels.
    """
    from sfd2_lab.bench.timelapse import bench_timelapse  # noqa: PLC0415 - torch is slow to import

    _refuse_same_names([folder.resolve().name for folder in folders])
    methods, glue = methods_from(options), _lightglue_from(lightglue, options)
    rows: list[Any] = []
    with progress_bar() as report:
        for folder in folders:
            rows += bench_timelapse(
                folder, methods.ready, report, pairs=pairs, night_below=night_below, seed=seed, lightglue=glue
            )
    more = {"pairs": pairs, "night_below": night_below, "seed": seed}
    _write("timelapse", rows, methods, options, more)
    table = Table("camera", "light", "method", *_FIGURES, "extract", "match", "bytes", box=SIMPLE)
    for row in rows:
        table.add_row(row.scene, row.light, row.method, *_cells(row.figures), *_costs(row))
    print_table(table)


@click.command("homographies")
@click.argument("folders", nargs=-1, required=True, metavar="IMAGES...", type=click.Path(path_type=Path))
@click.option("--views", type=click.IntRange(1), default=5, show_default=True, help="Views of each image.")
@_seed_option
@_lightglue_option
@method_options
def homographies(
    *, folders: tuple[Path, ...], views: int, seed: int, lightglue: dict[str, Path], **options: Any
) -> None:
    """Match images of folders IMAGES with views of them under random homographies.

    Nothing but the geometry changes. A keypoint or match is right within 3 pixels; a homography, estimated by RANSAC,
    is scored by the mean error of the corners of the view.
    """
    from sfd2_lab.bench.homographies import (  # noqa: PLC0415 - see above
        AUC_PX,
        WITHIN_PX,
        bench_homographies,
        folder_name,
    )

    _refuse_same_names([folder_name(folder) for folder in folders])
    methods, glue = methods_from(options), _lightglue_from(lightglue, options)
    rows: list[Any] = []
    with progress_bar() as report:
        for folder in folders:
            rows += bench_homographies(folder, methods.ready, report, views=views, seed=seed, lightglue=glue)
    more = {"views": views, "seed": seed, "within_px": WITHIN_PX, "auc_px": AUC_PX}
    _write("homographies", rows, methods, options, more)
    accuracy = [f"{limit:g} px" for limit in WITHIN_PX]
    table = Table("folder", "method", *_FIGURES, *accuracy, "extract", "match", "bytes", box=SIMPLE)
    for row in rows:
        shares = [share(value) for value in row.homography_within]
        table.add_row(row.scene, row.method, *_cells(row.figures), *shares, *_costs(row))
    print_table(table)


def _lightglue_from(named: dict[str, Path], options: dict[str, Any]) -> dict[str, Matcher]:
    """Load LightGlue for each method that it is named for; without its library, say so and go on."""
    from sfd2_lab.bench.lightglue import load_lightglue  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.peer import PeerMissingError  # noqa: PLC0415

    loaded: dict[str, Matcher] = {}
    for method, path in named.items():
        if method not in options["methods"]:
            raise click.UsageError(f"--lightglue names {method!r}, which is not among --methods")
        try:
            loaded[method] = load_lightglue(method, path, options["device"])
        except PeerMissingError as err:
            click.echo(f"{method}+lightglue is left out: {err}", err=True)
    return loaded


def _refuse_same_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise click.UsageError("two folders have the same name, so their rows could not be distinguished; rename one")


def _write(bench: str, rows: Sequence[Any], methods: Methods, options: dict[str, Any], more: dict[str, Any]) -> None:
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.two_view import CORRECT_PX  # noqa: PLC0415

    settings = {**settings_of(options, methods), "correct_px": CORRECT_PX, **more}
    write_json(options["json_path"], bench_as_json(bench, settings, rows, methods.missing))


def _cells(figures: PairFigures) -> tuple[str, ...]:
    return (
        str(figures.pairs),
        number(figures.mean_keypoints),
        share(figures.repeatability),
        number(figures.correct_matches, 1),
        share(figures.precision),
        share(figures.matching_score),
    )


def _costs(row: Any) -> tuple[str, str, str]:
    return f"{number(row.extract_ms)} ms", f"{number(row.figures.match_ms, 1)} ms", str(row.bytes_per_keypoint)
