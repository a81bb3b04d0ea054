# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench nees`, `rig`, `tracking`, `fusion`, `intrinsics`: the localizer itself, measured on scenes."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import print_table
from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, weights_option, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_lab.bench.posed_drives import PosedDrive


def _scene_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what the commands share."""
    for option in (
        json_option,
        device_option,
        weights_option,
        click.option("--work", type=click.Path(path_type=Path), help="Keep maps here; else they are removed."),
        click.argument("scenes", nargs=-1, required=True, metavar="SCENE...", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@click.command("nees")
@_scene_options
def nees(**options: Any) -> None:
    """Compare the errors of poses with their covariances, by condition.

    A SCENE has images/, sparse/ with ground truth, map.txt and query.txt, from `sfd2 simulate` or a camera. The mean of
    the normalised errors squared (NEES) is 6 for a right covariance. It is printed with the bounds that contain the
    mean of as many independent right poses 19 times of 20.
    """
    from sfd2_lab.bench.localizer_rows import nees_rows  # noqa: PLC0415 - torch is slow to import, --help is not

    rows = _rows(options, nees_rows)
    columns = {
        "scene": "scene", "condition": "condition", "queries": "queries", "poses": "poses", "mean_nees": "mean",
        "bounds": "95 % bounds", "is_within": "within", "median_nees": "median", "share_within": "share within 95 %",
        "beyond_999": "beyond 99.9 %",
    }  # fmt: skip
    _finish(rows, columns, options)


@click.command("rig")
@_scene_options
def rig(**options: Any) -> None:
    """Compare the cameras of a rig, each alone, with all of them together.

    A SCENE is made by `sfd2 simulate --rig robotcar` (or stereo). Recall counts frames within 0.25 m and 2 degrees.
    """
    from sfd2_lab.bench.localizer_rows import rig_rows  # noqa: PLC0415 - see above

    rows = _rows(options, rig_rows)
    names = ("scene", "condition", "cameras", "frames", "localized", "recall", "median_m", "largest_m")
    _finish(rows, {name: name for name in names}, options)


@click.command("tracking")
@_scene_options
def tracking(**options: Any) -> None:
    """Compare tracking with a search of the whole map for every frame: time, recall, errors.

    The queries of each condition of a SCENE form a drive, with odometry that drifts from their ground truth.
    """
    from sfd2_lab.bench.localizer_rows import tracking_rows  # noqa: PLC0415 - see above

    rows = _rows(options, lambda drive: [row for name in drive.conditions for row in tracking_rows(drive, name)])
    names = (
        "scene", "condition", "mode", "frames", "localized", "recall", "median_m", "largest_m", "p50_s", "p95_s",
        "tracked", "verified", "searched", "refused",
    )  # fmt: skip
    _finish(rows, {name: name for name in names}, options)


@click.command("fusion")
@click.option(
    "--drift",
    type=click.FloatRange(min=0.0, max=100.0),
    default=1.0,
    show_default=True,
    help="Of odometry: as a multiple of a good one's (1 % of the way, 2 degrees in 60 m).",
)
@click.option("--motion-share", type=float, help="The setting fusion.motion_share.  [default: the setting's]")
@_scene_options
def fusion(**options: Any) -> None:
    """Compare measured poses with poses fused with odometry.

    The queries of each condition of a SCENE form a drive, three times, each with another odometry that drifts from
    their ground truth. Printed are medians and p95 of the errors, and of the steps of the robot's pose when map to odom
    is updated; the mean NEES (6 for a right covariance), also for a filter that assumes independent errors; "again"
    counts resets of the filter.
    """
    from sfd2_lab.bench.fusion_rows import fusion_rows  # noqa: PLC0415 - see above
    from sfd2_ros.core.config import config_from_mapping  # noqa: PLC0415
    from sfd2_ros.localization.fusion_config import FusionConfig  # noqa: PLC0415

    share = options["motion_share"]
    config = config_from_mapping(FusionConfig, {} if share is None else {"motion_share": share})

    def measure(drive: PosedDrive) -> list[dict[str, Any]]:
        rows = [fusion_rows(drive, name, drift=options["drift"], config=config) for name in drive.conditions]
        return [row for condition in rows for row in condition]

    rows = _rows(options, measure)
    columns = {
        "scene": "scene", "condition": "condition", "mode": "mode", "poses": "poses", "error_p50_mm": "error mm",
        "error_p95_mm": "p95", "error_p50_deg": "deg", "step_p50_mm": "step mm", "step_p95_mm": "p95",
        "step_p50_deg": "deg", "step_p95_deg": "p95", "mean_nees": "NEES", "share_within": "in 95 %", "anew": "anew",
    }  # fmt: skip
    _finish(rows, columns, options)


@click.command("intrinsics")
@_scene_options
def intrinsics(**options: Any) -> None:
    """Localize the images of a SCENE with wrong intrinsics, and count the accepted poses.

    For each error of focal length or principal point: poses without and with the gate, their errors, and the number of
    rejected images.
    """
    from sfd2_lab.bench.localizer_rows import intrinsics_rows  # noqa: PLC0415 - see above

    rows = _rows(options, intrinsics_rows)
    names = (
        "scene", "camera_info", "queries", "unchecked_localized", "unchecked_median_m", "unchecked_largest_m",
        "checked_localized", "checked_largest_m", "refused",
    )  # fmt: skip
    _finish(rows, {name: name for name in names}, options)


def _rows(options: dict[str, Any], measure: Callable[[PosedDrive], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    from sfd2_lab.bench.posed_drives import load_drive  # noqa: PLC0415 - see above
    from sfd2_ros.features import load_extractor  # noqa: PLC0415

    quiet_colmap()
    extractor = load_extractor(options["weights"], options["device"], 2048)
    rows = []
    with ExitStack() as stack:
        work = options["work"] or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sfd2_bench_")))
        report = stack.enter_context(progress_bar())
        for folder in options["scenes"]:
            rows += measure(load_drive(folder, work, extractor, report))
    return rows


def _finish(rows: list[dict[str, Any]], columns: dict[str, str], options: dict[str, Any]) -> None:
    write_json(options["json_path"], {"rows": rows})
    table = Table(box=SIMPLE)
    for title in columns.values():
        table.add_column(title)
    for row in rows:
        table.add_row(*(_written(row.get(name)) for name in columns))
    print_table(table)


def _written(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return " to ".join(_written(each) for each in value)
    return str(value)
