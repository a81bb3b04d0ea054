# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench speed`: times of extraction and of localization, beside a plain implementation and other methods."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE
from rich.table import Table

from sfd2_lab.tools.bench_options import comma_list, named_files, number, print_table
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.tools.options import device_option, json_option, progress_bar, quiet_colmap, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_lab.bench.extraction_speed import TimeRow
    from sfd2_lab.bench.methods import Methods
    from sfd2_lab.bench.speed_cases import SpeedCase
    from sfd2_ros.features.extractor import ExtractorConfig
    from sfd2_ros.features.weights import Weights

_PEERS = "aliked,xfeat,sift,orb"
_SIZE = re.compile(r"^(\d+)x(\d+)$")
_CELL_PX = 8
"""The plain extractor does not pad images."""


def _numbers(_context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """Read whole positive numbers by commas."""
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{parameter.name} is {value!r}; whole numbers above 0 by commas are needed")
    return [int(part) for part in parts]


def _sizes(_context: click.Context, _parameter: click.Parameter, value: str) -> list[tuple[int, int]]:
    """Read WIDTHxHEIGHT by commas, in multiples of 8."""
    found = [_SIZE.match(part.strip()) for part in value.split(",")]
    sizes = [(int(one[2]), int(one[1])) for one in found if one is not None]
    if len(sizes) < len(found) or any(side == 0 or side % _CELL_PX for size in sizes for side in size):
        raise click.BadParameter(f"{value!r}: sizes such as 640x480 by commas are needed, in multiples of {_CELL_PX}")
    return sizes


@click.command("speed")
@click.option("--sizes", default="640x480", show_default=True, callback=_sizes, help="Of the images, by commas.")
@click.option("--batches", default="1", show_default=True, callback=_numbers, help="Images in one call, by commas.")
@click.option("--keypoints", default="2048", show_default=True, callback=_numbers, help="Budgets, by commas.")
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Calls that count.")
@click.option(
    "--precisions",
    default="float32,bfloat16",
    show_default=True,
    callback=comma_list,
    help="Number formats with torch: float32, bfloat16, float16.",
)
@click.option(
    "--backends", default="torch", show_default=True, callback=comma_list, help="torch, onnxruntime, tensorrt."
)
@click.option(
    "--weights",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Weights, or a quantised model. May be repeated.  [default: all that ship]",
)
@click.option("--peers", default=_PEERS, show_default=True, callback=comma_list, help="Other methods, by commas.")
@click.option("--peer-weights", type=click.Path(path_type=Path), help="Folder with weights of other methods.")
@click.option("--weights-of", multiple=True, metavar="METHOD=FILE", callback=named_files, help="Weights of a method.")
@click.option(
    "--scene",
    "scenes",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With map.txt and query.txt: also time from features to a pose, searched and tracked. May be repeated.",
)
@device_option
@json_option
def command(*, json_path: Path | None, scenes: tuple[Path, ...], **options: Any) -> None:
    """Time extraction in every way, one call of each in turn.

    Images and features are in the host's memory. Each row has the ratio to a plain implementation of the same network
    (eager float32), by processor time on a CPU: on a busy machine the ratio holds, the time does not. "floor" is the
    least time of the network's operations at the measured peak of matrix products. Methods that cannot run here are
    listed with the remedy.
    """
    from sfd2_lab.bench.rows import bench_as_json  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_lab.bench.speed_cases import networks  # noqa: PLC0415

    weights_of = networks(options["weights"])
    quiet_colmap()
    missing: dict[str, str] = {}
    with progress_bar() as report:
        rows = _extraction_rows(weights_of, options, missing, report)
        poses = _pose_rows(scenes, options, report)
    for name, what in missing.items():
        click.echo(f"{name} is left out: {what}", err=True)
    settings = {name: value for name, value in options.items() if name not in ("weights", "peer_weights", "weights_of")}
    write_json(json_path, {**bench_as_json("speed", settings, rows, missing), "poses": poses})
    print_table(_table(rows))
    if poses:
        print_table(_pose_table(poses))


def _extraction_rows(
    weights_of: dict[str, Weights],
    options: dict[str, Any],
    missing: dict[str, str],
    report: Callable[[str, int, int], None],
) -> list[TimeRow]:
    from sfd2_lab.bench.extraction_speed import painted_image, time_cases  # noqa: PLC0415 - see above
    from sfd2_lab.bench.speed_cases import own_cases, peer_case, plain_case  # noqa: PLC0415
    from sfd2_ros.features.extractor import ExtractorConfig  # noqa: PLC0415

    rows: list[TimeRow] = []
    for budget in options["keypoints"]:
        config = ExtractorConfig(max_keypoints=budget, max_side_px=1 << 16)
        plain = plain_case(next(iter(weights_of.values())), options["device"], config)
        names = {"precisions": options["precisions"], "backends": options["backends"]}
        cases, lacking = own_cases(weights_of, options["device"], config, **names)
        peers = _peers(options, budget)
        cases += _quantised(options, config)
        cases += [peer_case(name, peer, str(plain.device)) for name, peer in peers.ready.items()]
        missing.update(lacking | peers.missing)
        for height, width in options["sizes"]:
            floors = _floors(weights_of, cases, height, width)
            for batch in options["batches"]:
                images = [painted_image(height, width, seed) for seed in range(batch)]
                rows += time_cases(
                    plain, cases, images, rounds=options["rounds"], floors=floors, max_keypoints=budget, progress=report
                )
    return rows


def _quantised(options: dict[str, Any], config: ExtractorConfig) -> list[SpeedCase]:
    from sfd2_lab.bench.speed_cases import quantised_case  # noqa: PLC0415 - see above
    from sfd2_ros.features.quantised import SUFFIX  # noqa: PLC0415

    files = [path for path in options["weights"] if path.suffix == SUFFIX]
    return [quantised_case(path, options["device"], config) for path in files]


def _peers(options: dict[str, Any], budget: int) -> Methods:
    from sfd2_lab.bench.methods import MethodOptions, Methods, make_methods  # noqa: PLC0415 - see above

    if not options["peers"]:
        return Methods({}, {})
    if "sfd2" in options["peers"]:
        raise ConfigError("--peers names other methods than sfd2, which is timed always")
    given = MethodOptions(
        max_keypoints=budget,
        weights_of=options["weights_of"],
        peer_weights=options["peer_weights"],
        device=options["device"],
    )
    return make_methods(options["peers"], given)


def _floors(
    weights_of: dict[str, Weights], cases: Sequence[SpeedCase], height: int, width: int
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return operations in 10^9 and least milliseconds of one image, by network and precision."""
    from sfd2_lab.bench.processor_peak import matrix_peak, operations  # noqa: PLC0415 - see above
    from sfd2_ros.features.device import PRECISIONS  # noqa: PLC0415
    from sfd2_ros.features.inference import fold_norms  # noqa: PLC0415
    from sfd2_ros.features.weights import build_network  # noqa: PLC0415

    counted = {
        weights.weights_id: operations(fold_norms(build_network(weights)), height, width)
        for weights in weights_of.values()
    }
    peaks = {
        (case.precision, case.device): matrix_peak(case.device, PRECISIONS[case.precision])
        for case in cases
        if case.network in counted and case.precision in PRECISIONS
    }
    return {
        (case.network, case.precision): (
            counted[case.network] / 1e9,
            1000 * counted[case.network] / peaks[case.precision, case.device],
        )
        for case in cases
        if (case.precision, case.device) in peaks and case.network in counted
    }


def _pose_rows(
    scenes: Sequence[Path], options: dict[str, Any], report: Callable[[str, int, int], None]
) -> list[dict[str, Any]]:
    from sfd2_lab.bench.pose_speed import pose_rows  # noqa: PLC0415 - see above
    from sfd2_lab.bench.posed_drives import load_drive  # noqa: PLC0415
    from sfd2_ros.features import load_extractor  # noqa: PLC0415

    weights = options["weights"][0] if options["weights"] else None
    rows = []
    with tempfile.TemporaryDirectory(prefix="sfd2_bench_") as work:
        for folder in scenes:
            extractor = load_extractor(weights, options["device"], options["keypoints"][0])
            drive = load_drive(folder, Path(work), extractor, report)
            rows += [row for condition in drive.conditions for row in pose_rows(drive, condition)]
    return rows


def _table(rows: Sequence[TimeRow]) -> Table:
    heads = ("network", "stage", "size", "backend", "precision", "batch", "median ms", "p95", "ratio", "share")
    table = Table(*heads, "floor ms", "MB", box=SIMPLE)
    for row in rows:
        table.add_row(
            *(row.network, row.stage, row.size, f"{row.backend} {row.device}", row.precision, str(row.batch)),
            *(number(row.median_ms, 1), number(row.p95_ms, 1), number(row.ratio, 3), number(row.share, 2)),
            *(number(row.floor_ms, 1), number(row.peak_mb)),
        )
    return table


def _pose_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("scene", "condition", "stage", "frames", "median ms", "p95", "of a search", box=SIMPLE)
    for row in rows:
        table.add_row(
            *(row["scene"], row["condition"], row["stage"], str(row["frames"])),
            *(number(row["median_ms"], 1), number(row["p95_ms"], 1), number(row["of_search"], 2)),
        )
    return table
