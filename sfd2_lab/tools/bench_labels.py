# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench labels`: where the keypoints of labelled images lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import method_options, methods_from, number, print_table, settings_of, share
from sfd2_ros.tools.options import progress_bar, write_json


@click.command("labels")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--label-set", required=True, help="Meaning of the label numbers: ade20k, camvid, cityscapes, ...")
@click.option("--list", "list_name", help="File with image names, one a line, with or without suffix. Default: all.")
@method_options
def command(*, folder: Path, label_set: str, list_name: str | None, **options: Any) -> None:
    """Count how many keypoints lie on sky, water, vehicles and people.

    FOLDER has images/ and labels/: 8-bit PNGs with the names and sizes of the images. Unstable are the groups volatile
    and dynamic of the stability table.
    """
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_lab.bench.unstable import bench_labelled  # noqa: PLC0415

    methods = methods_from(options)
    with progress_bar() as report:
        rows = bench_labelled(folder, methods.ready, report, label_set=label_set, list_name=list_name)
    settings = {**settings_of(options, methods), "label_set": label_set, "list": list_name}
    write_json(options["json_path"], bench_as_json("labels", settings, rows, methods.missing))
    table = Table(
        "folder", "method", "images", "keypoints", "unstable", "unstable area", "extract", "bytes", box=SIMPLE
    )
    for row in rows:
        cells = (number(row.mean_keypoints), share(row.unstable_fraction), share(row.unstable_area))
        costs = (f"{number(row.extract_ms)} ms", str(row.bytes_per_keypoint))
        table.add_row(row.scene, row.method, str(row.images), *cells, *costs)
    print_table(table)
