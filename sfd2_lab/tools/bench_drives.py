# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench drives`: maps of a robot's own drive beside the true poses."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_lab.tools.simulate import image_size
from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, weights_option, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.bench.drives.run import DriveBench


@click.command("drives")
@click.argument("cases", nargs=-1, metavar="[CASE...]")
@click.option(
    "--scene",
    "scenes",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Real drive: a scene of one camera with map.txt and query.txt; its odometry is simulated. May be repeated.",
)
@click.option("--scene-rate", type=click.FloatRange(0.1, 100), default=5.0, show_default=True, help="Images a second.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the town.")
@click.option("--rig", default="robotcar", show_default=True, help="Cameras: front, stereo, robotcar.")
@click.option("--size", default="320x240", show_default=True, callback=image_size, help="Image size, pixels.")
@click.option(
    "--step", "step_m", type=click.FloatRange(0.2, 20), default=3.0, show_default=True, help="Metres an image."
)
@click.option("--work", type=click.Path(path_type=Path), help="Keep bags and maps here and use those that are there.")
@weights_option
@device_option
@json_option
def command(*, cases: tuple[str, ...], scenes: tuple[Path, ...], json_path: Path | None, **options: Any) -> None:
    """Map simulated drives with drifting odometry by `sfd2 map build`, and compare with the true poses.

    A CASE is one of: loop, figure_of_eight, corridor, loop_gnss, loop_gnss_outliers, loop_gnss_multipath,
    loop_odometry_jump, loop_camera_off, twin_blocks, no_camera_info, no_tf, truncated. Without a CASE and without
    --scene all are run. Odometry is 1 % too long and turns by 2 degrees in 60 m.

    Printed are the median and the largest error of the images' positions after alignment, of odometry and of the map;
    the gap where a place is visited again; the error of scale; and the fraction of another session that is localized
    within 0.25 m and 2 degrees, in this map and in a map of the true poses.
    """
    from sfd2_lab.bench.drives.cases import cases_named  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415
    from sfd2_lab.bench.tables import markdown_of, table_of  # noqa: PLC0415

    chosen = cases_named(cases) if cases or not scenes else []
    quiet_colmap()
    with ExitStack() as stack:
        work = options["work"] or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sfd2_drives_")))
        work.mkdir(parents=True, exist_ok=True)
        bench = _bench(work, options, stack)
        rows = [bench.row(case) for case in chosen]
        rows += [bench.scene_row(folder, options["scene_rate"], _usual_drift()) for folder in scenes]
    settings = {name: options[name] for name in ("seed", "rig", "size", "step_m")}
    content = bench_as_json("drives", settings, [], {})
    content["rows"] = rows
    write_json(json_path, content)
    click.echo(markdown_of(table_of(content)))


def _bench(work: Path, options: dict[str, Any], stack: ExitStack) -> DriveBench:
    from sfd2_lab.bench.drives.run import DriveBench  # noqa: PLC0415 - see above
    from sfd2_ros.features import load_extractor  # noqa: PLC0415

    extractor = load_extractor(options["weights"], options["device"], 2048)
    given = [] if options["weights"] is None else ["--weights", str(options["weights"])]
    given += ["--device", options["device"]]

    def run(arguments: Sequence[str]) -> None:
        from sfd2_ros.tools.main import cli  # noqa: PLC0415 - the group imports this module

        cli.main([*arguments, *given], prog_name="sfd2", standalone_mode=False)

    names = ("seed", "rig", "size", "step_m")
    return DriveBench(
        work=work,
        **{name: options[name] for name in names},
        extractor=extractor,
        run=run,
        clock=time.monotonic,
        progress=stack.enter_context(progress_bar()),
    )


def _usual_drift() -> Any:
    from sfd2_lab.bench.drives.cases import CASES  # noqa: PLC0415 - see above

    return CASES["loop"].sensors
