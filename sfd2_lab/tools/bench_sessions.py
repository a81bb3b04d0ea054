# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench sessions`: drives of a year merged into one map."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import print_table
from sfd2_lab.tools.simulate import image_size
from sfd2_ros.tools.options import (
    device_option,
    json_option,
    model_option,
    progress_bar,
    quiet_colmap,
    weights_option,
    write_json,
)

if TYPE_CHECKING:
    from sfd2_lab.bench.sessions import SessionRow, SurvivalRow

A_YEAR = "sun,night,rain,dusk,autumn,night_rain,winter,snow,dawn"


@click.command("sessions")
@click.option("--seed", type=click.IntRange(0), default=7101, show_default=True, help="Seed of the town.")
@click.option(
    "--conditions", default=A_YEAR, show_default=True, help="Of the sessions after the first, which is overcast."
)
@click.option("--frames", type=click.IntRange(4), default=24, show_default=True, help="Images of each session.")
@click.option("--size", default="640x480", show_default=True, callback=image_size, help="Image size, pixels.")
@click.option("--work", type=click.Path(path_type=Path), help="Keep scene and maps here and use those that are there.")
@model_option
@weights_option
@device_option
@json_option
def command(*, json_path: Path | None, **options: Any) -> None:
    """Merge sessions of a simulated year into one map, one after the other, by `sfd2 map merge`.

    Every second image of a session is mapped; those between are localized in the map after each merge. Printed are the
    size of the map as a multiple of that of the first session, and the fraction of each session's queries within
    0.25 m and 2 degrees. A second table has the fraction of later sessions that observe the landmarks of the first one,
    by stability of their class.
    """
    from sfd2_lab.bench.sessions import (  # noqa: PLC0415 - torch is slow to import, --help is not
        map_sessions,
        merge_rows,
        survival_rows,
        take_sessions,
    )
    from sfd2_lab.bench.simulated_scenes import simulated_scene  # noqa: PLC0415 - see above
    from sfd2_ros.features import load_extractor  # noqa: PLC0415 - see above

    quiet_colmap()
    extractor = load_extractor(options["weights"], options["device"], 2048, model=options["model"])
    with ExitStack() as stack:
        work = options["work"] or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sfd2_sessions_")))
        progress = stack.enter_context(progress_bar())
        conditions = options["conditions"].split(",")
        folder = simulated_scene(
            options["seed"], conditions, options["frames"], work, progress=progress, size=options["size"]
        )
        sessions = take_sessions(folder, extractor, progress)
        maps = map_sessions(folder, sessions, work / f"maps_{folder.name}", extractor, progress)
        rows = merge_rows(sessions, maps, work / f"maps_{folder.name}", progress)
        survival = survival_rows(folder, maps)
    content = {"rows": [dataclasses.asdict(row) for row in rows], "survival": [vars(row) for row in survival]}
    write_json(json_path, {"weights_id": extractor.weights_id, "seed": options["seed"], **content})
    _print(rows, survival)


def _print(rows: list[SessionRow], survival: list[SurvivalRow]) -> None:
    table = Table("session", "images", "landmarks", "size", "mean", *rows[0].recall, box=SIMPLE)
    for row in rows:
        recall = [f"{value:.0%}" for value in row.recall.values()]
        mean = f"{np.mean(list(row.recall.values())):.1%}"
        table.add_row(row.session, str(row.images), str(row.landmarks), f"{row.growth:.2f}", mean, *recall)
    print_table(table)
    table = Table("stability", "landmarks", "survival", box=SIMPLE)
    for one in survival:
        table.add_row(f"{one.stability:g}", str(one.landmarks), f"{one.survival:.1%}")
    print_table(table)
