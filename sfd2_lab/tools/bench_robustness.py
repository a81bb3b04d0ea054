# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench robustness`: what the nodes survive, and how many images of other places they take for theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from sfd2_lab.tools.bench_nodes import require_ros_and_quiet, work_option
from sfd2_lab.tools.bench_options import print_table
from sfd2_ros.tools.options import device_option, json_option, progress_bar, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("robustness")
@work_option
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with images of other places; drives/kitti_a below it is mapped too.",
)
@click.option(
    "--foreign-images", type=click.IntRange(0), default=1000, show_default=True, help="Images of other places; 0: none."
)
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="Only this fault of a running robot; repeatable."
)
@device_option
@json_option
def command(
    *, work: Path, data: Path | None, foreign_images: int, faults: tuple[str, ...], device: str, json_path: Path | None
) -> None:
    """Inject faults into the real nodes, and localize images of other places.

    A good frame is localized before and after each fault. When an interrupted run is called again, it continues among
    the images of other places; the faults are repeated. The exit code is 1 if a fault is not survived or a wrong pose
    was published.
    """
    require_ros_and_quiet()
    from sfd2_lab.bench.trials.faults import RUNNING  # noqa: PLC0415
    from sfd2_lab.bench.trials.foreign import count_false_poses  # noqa: PLC0415 - needs ROS
    from sfd2_lab.bench.trials.latency import machine  # noqa: PLC0415
    from sfd2_lab.bench.trials.robustness import OTHER_STEPS, run_faults  # noqa: PLC0415
    from sfd2_lab.bench.trials.stage import StageSettings, prepare_stage  # noqa: PLC0415
    from sfd2_ros.features import load_extractor  # noqa: PLC0415 - torch is slow to import

    unknown = sorted(set(faults) - set(RUNNING))
    if unknown:
        known = ", ".join(map(repr, RUNNING))
        raise click.BadParameter(f"{unknown[0]!r} is no fault of a running robot; known: {known}", param_hint="--fault")
    total, begun = len(faults) or len(RUNNING) + OTHER_STEPS, 0
    with progress_bar() as progress:

        def on_fault(name: str) -> None:
            nonlocal begun
            click.echo(name, err=True)
            progress("faults", begun, total)
            begun += 1

        stage = prepare_stage(work / "drive", StageSettings(device=device), progress)
        rows, false_in_faults = run_faults(stage, work / "logs", device=device, names=faults or None, on_fault=on_fault)
        extractor = load_extractor(device=device)
        foreign = count_false_poses(stage.map_folder, data, work, extractor, count=foreign_images, progress=progress)
    figures = {
        "rows": rows,
        **foreign,
        "false_poses": false_in_faults + foreign["false_poses"],
        "false_poses_in_faults": false_in_faults,
        "device": device,
        "machine": machine(),
    }
    write_json(json_path, figures)
    _print(figures)
    if figures["false_poses"] or not all(row["survived"] for row in rows):
        raise click.exceptions.Exit(1)


def _print(figures: Mapping[str, Any]) -> None:
    table = Table("fault", "survived", "recovery s", "observed")
    for row in figures["rows"]:
        seconds = "-" if row["recovery_s"] is None else f"{row['recovery_s']:.2f}"
        table.add_row(row["fault"], "yes" if row["survived"] else "NO", seconds, row["observed"])
    print_table(table)
    click.echo(
        f"{figures['foreign_images']} images of other places ({figures['real']} photographs, {figures['simulated']} "
        f"simulated), {figures['queries']} queries: {len(figures['false'])} false poses; "
        f"{figures['false_poses_in_faults']} in faults"
    )
