# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 robotcar`: sequences of the Oxford RobotCar dataset, as downloaded."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.tools.options import (
    device_option,
    json_option,
    overwrite_option,
    progress_bar,
    quiet_colmap,
    refuse_same_path,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_lab.datasets.robotcar.plan import Stretch
    from sfd2_lab.datasets.robotcar.sequence import RobotCarSequence

_STORAGES = {".mcap": "mcap", ".db3": "sqlite3", "": "sqlite3"}
_CAMERAS_HELP = "Names, by commas: left, rear, right, stereo_left, stereo_centre, stereo_right."


@click.group("robotcar")
def command() -> None:
    """Convert sequences of the Oxford RobotCar data set, as downloaded.

    A sequence is a folder such as 2014-11-28-12-07-13 with mono_left/, mono_left.timestamps, gps/, vo/, ...; --sdk is
    the development kit of the data set (github.com/ori-mrg/robotcar-dataset-sdk), whose models/ and extrinsics/ hold
    the calibration. All files are checked first; missing, truncated and misnamed ones are listed.
    """


def _common(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose what of a sequence is converted."""
    options = (
        click.argument("sequence", type=click.Path(path_type=Path)),
        click.option("--sdk", "kit", required=True, type=click.Path(path_type=Path), help="The development kit."),
        click.option("--cameras", default="left,rear,right", show_default=True, help=_CAMERAS_HELP),
        click.option(
            "--truth",
            default="ins",
            show_default=True,
            help="Poses in map: ins (gps/ins.csv), rtk (gps/rtk.csv or ../rtk/SEQUENCE/rtk.csv), none.",
        ),
        click.option("--from", "from_s", type=float, default=0.0, show_default=True, help="Seconds after the start."),
        click.option("--to", "to_s", type=float, help="Seconds after the start.  [default: the end]"),
        click.option(
            "--every", type=click.IntRange(1), default=1, show_default=True, help="Use one in N images of each camera."
        ),
        json_option,
        overwrite_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("to-bag")
@_common
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the new bag.")
@click.option(
    "--odometry", default="vo", show_default=True, help="TF from odom to base_link: vo (vo/vo.csv), ins, none."
)
@click.option("--compressed", is_flag=True, help="Write JPEG instead of raw images.")
@click.option("--storage", type=click.Choice(["mcap", "sqlite3"]), help="Default: by the ending of --output.")
def to_bag(*, output: Path, storage: str | None, compressed: bool, **options: Any) -> None:
    """Convert a SEQUENCE to a rosbag2: undistorted images, camera_info, TF, odometry, ground truth.

    An interrupted conversion continues when it is called again with the same options.
    """
    from sfd2_lab.datasets.robotcar.to_bag import BagSettings, convert_to_bag  # noqa: PLC0415 - torch is slow to import

    if storage is None and output.suffix not in _STORAGES:
        raise click.UsageError(f"--output {str(output)!r} ends in neither .mcap nor .db3; choose with --storage")
    refuse_same_path(output, options["json_path"])
    sequence = _open(**options)
    settings = BagSettings(storage or _STORAGES[output.suffix], compressed, _stretch(options))
    with progress_bar() as progress:
        figures = convert_to_bag(sequence, output, settings, overwrite=options["overwrite"], progress=progress)
    write_json(options["json_path"], figures)
    click.echo(
        f"{output}: {figures['images']} images of {', '.join(figures['cameras'])}, {figures['duration_s']:.1f} s"
    )
    if figures["times_without_truth"] and options["truth"] != "none":
        click.echo(f"  no ground truth at the time of {figures['times_without_truth']} images")
    if figures["odometry_gaps"]:
        click.echo(f"  odometry has {figures['odometry_gaps']} gaps, over which it stands still")


@command.command("to-scene")
@_common
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New scene folder.")
def to_scene(*, output: Path, **options: Any) -> None:
    """Convert a SEQUENCE to a scene folder with undistorted images and poses, for `sfd2 map build`."""
    from sfd2_lab.datasets.robotcar.to_scene import convert_to_scene  # noqa: PLC0415 - see above

    quiet_colmap()
    refuse_same_path(output, options["json_path"])
    if options["truth"] == "none":
        raise click.UsageError("a scene needs poses; use --truth ins or --truth rtk")
    sequence = _open(odometry="none", **options)
    with progress_bar() as progress:
        figures = convert_to_scene(
            sequence, output, _stretch(options), overwrite=options["overwrite"], progress=progress
        )
    write_json(options["json_path"], figures)
    click.echo(f"{output}: {figures['images']} images; {figures['images_without_truth']} left out without a pose")


@command.command()
@click.argument("bag", type=click.Path(path_type=Path))
@click.argument("map_path", metavar="MAP", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for poses and logs.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="0.5 plays half as fast."
)
@device_option
@json_option
@overwrite_option
def replay(
    *, bag: Path, map_path: Path, output: Path, rate: float, device: str, json_path: Path | None, overwrite: bool
) -> None:
    """Play BAG into the real nodes with all its cameras, and score the published poses.

    The nodes run in a ROS domain of their own. Images that arrive while they are busy are dropped, as on a robot; every
    instant counts. OUTPUT gets replay.json (figures), poses.txt (base_from_map of each instant), replay.png and logs/.
    """
    from sfd2_ros.ros.native import require_ros  # noqa: PLC0415 - see above

    require_ros()
    from sfd2_lab.bench.demo.bag_replay import replay_bag  # noqa: PLC0415
    from sfd2_lab.bench.demo.bag_replay_outputs import REPLAY_MARKER, write_replay  # noqa: PLC0415
    from sfd2_ros.core.files import atomic_folder  # noqa: PLC0415

    # A plain SIGTERM would end this process and leave its nodes behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with atomic_folder(output, overwrite=overwrite, marker=REPLAY_MARKER) as folder:
        replayed = replay_bag(
            bag, map_path, folder / "logs", rate=rate, device=device, report=lambda line: click.echo(line, err=True)
        )
        figures = replayed.figures()
        write_replay(folder, replayed, figures)
    write_json(json_path, figures)
    recall = " / ".join(f"{share:.1%}" for share in figures["recall"])
    click.echo(
        f"{output}: {figures['localized']} of {figures['instants_with_truth']} instants localized; recall {recall}"
    )


def _open(*, sequence: Path, kit: Path, cameras: str, odometry: str, truth: str, **_others: Any) -> RobotCarSequence:
    from sfd2_lab.datasets.robotcar.sequence import open_sequence  # noqa: PLC0415 - see above

    names = [name.strip() for name in cameras.split(",")]
    return open_sequence(sequence, kit, names, odometry=odometry, truth=truth)


def _stretch(options: dict[str, Any]) -> Stretch:
    from sfd2_lab.datasets.robotcar.plan import Stretch  # noqa: PLC0415 - see above

    return Stretch(options["from_s"], options["to_s"], options["every"])
