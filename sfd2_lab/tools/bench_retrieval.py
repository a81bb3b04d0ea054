# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench retrieval`: the rank of the right place among map images of another season."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import method_options, methods_from, named_files, print_table, settings_of
from sfd2_ros.tools.options import progress_bar, write_json


@click.command("retrieval")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option(
    "--near", type=click.IntRange(0), default=0, show_default=True, help="Places to either side that are right too."
)
@click.option(
    "--learn",
    "learn",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of images, searched in depth, that centres and whitening are learned from. May be repeated.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME=FILE",
    callback=named_files,
    help="Further weights of our own network, to compare. May be repeated.",
)
@method_options
def retrieval(
    *, folders: tuple[Path, ...], near: int, learn: tuple[Path, ...], also: dict[str, Path], **options: Any
) -> None:
    """Rank map images of one session for images of every other session of FOLDERs.

    A FOLDER has a folder of images per session, in the order of one route, or images/SSLL.* with two digits of the
    session and two of the place. The spread is the standard error over sessions.
    """
    from sfd2_lab.bench.own_peer import OwnPeer  # noqa: PLC0415 - torch is slow to import
    from sfd2_lab.bench.retrieval import RANKS, bench_retrieval  # noqa: PLC0415
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415
    from sfd2_ros.features.images import list_images  # noqa: PLC0415

    methods = methods_from(options)
    peers = dict(methods.ready)
    for name, path in also.items():
        if name in peers:
            raise click.UsageError(f"--also names {name!r} again, which is a method already")
        peers[name] = OwnPeer(options["max_keypoints"], path, options["device"])
    others = [folder / name for folder in learn for name in list_images(folder)]
    with progress_bar() as report:
        rows = bench_retrieval(folders, peers, report, near=near, other_images=others)
    settings = {**settings_of(options, methods), "near": near, "learned_images": len(others)}
    write_json(options["json_path"], bench_as_json("retrieval", settings, rows, methods.missing))
    table = Table(
        "folder", "method", "aggregation", "queries", "first", *(f"in {rank}" for rank in RANKS[1:]), box=SIMPLE
    )
    for row in rows:
        first, *more = (f"{row.recall[rank]:.2f}" for rank in RANKS)
        first += "" if row.spread is None else f" ± {row.spread:.2f}"
        table.add_row(row.folder, row.method, row.variant, str(row.queries), first, *more)
    print_table(table)
