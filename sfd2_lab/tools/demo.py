# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 demo`: the whole path on one machine."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("demo")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Output folder.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Scene folder of a recorded drive with map.txt and query.txt. Default: a simulated one.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the town and of the drift of odometry.",
)
@click.option("--condition", help="Light and weather of the simulated query drive.  [default: overcast]")
@click.option("--frames", type=click.IntRange(2), default=30, show_default=True, help="Maximum number of frames.")
@device_option
@json_option
def command(
    *,
    output: Path,
    data: Path | None,
    seed: int,
    condition: str | None,
    frames: int,
    device: str,
    json_path: Path | None,
) -> None:
    """Map one drive, replay another one into the real nodes, and score the poses on TF.

    The nodes run as processes in a ROS domain of their own, on this machine only, so a running robot is not disturbed.
    Images, intrinsics and odometry are replayed in lock step: the next frame waits for the answer to the last one,
    because a machine slower than the camera would drop frames, as on a robot. A recorded drive without odometry gets
    one that drifts from its ground truth. OUTPUT then holds summary.json, frames.json, demo.png, map/, query_bag/ and
    logs/.
    """
    from sfd2_ros.ros.native import require_ros  # noqa: PLC0415

    if data is not None and condition is not None:
        raise click.UsageError("--condition is of the simulated drive; a recorded one (--data) has its own light")
    require_ros()
    from sfd2_lab.simulation.conditions import condition_named  # noqa: PLC0415

    condition_named(condition or "overcast")
    from sfd2_lab.bench.demo.run import DemoSettings, run_demo  # noqa: PLC0415

    quiet_colmap()
    # A plain SIGTERM would end this process and leave its nodes behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    settings = DemoSettings(output, data, seed, condition or "overcast", frames, device)
    with progress_bar() as progress:
        summary = run_demo(settings, progress)
    write_json(json_path, summary)
    _print(summary, output)


def _print(summary: Mapping[str, Any], output: Path) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="poses on TF, compared with the ground truth", title_justify="left", show_header=False)
    for name, value in _rows(summary):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    console.print(f"{output / 'summary.json'}, {output / 'demo.png'}", highlight=False)


def _rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    def shown(value: float | None, unit: str, digits: int) -> str:
        return "none" if value is None else f"{value:.{digits}f} {unit}"

    high, medium, coarse = (f"{share:.1%}" for share in summary["recall"])
    latency, map_ = summary["latency_ms"], summary["map"]
    return [
        ("frames", f"{summary['frames']}, of them localized {summary['localized']}"),
        (
            "median error",
            f"{shown(summary['median_position_m'], 'm', 3)}, {shown(summary['median_rotation_deg'], '°', 3)}",
        ),
        ("within (0.25 m, 2°) (0.5 m, 5°) (5 m, 10°)", f"{high}  {medium}  {coarse}"),
        ("false accepts (beyond 5 m or 10°)", str(summary["false_accepts"])),
        ("latency, stamp to pose", f"{shown(latency['p50'], 'ms', 0)} median, {shown(latency['p95'], 'ms', 0)} p95"),
        ("map", f"{map_['images']} images, {map_['points']} landmarks, {map_['bytes'] / 1e6:.1f} MB"),
        ("weights", summary["weights_id"]),
        ("map to odom transforms heard", str(summary["tf_messages"])),
    ]
