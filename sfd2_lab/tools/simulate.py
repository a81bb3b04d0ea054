# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 simulate`: renders drives through a street into a scene folder or a bag."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.files import refuse_existing_folder
from sfd2_ros.tools.options import json_option, overwrite_option, progress_bar, refuse_same_path, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_lab.simulation.drive import DriveConfig, World
    from sfd2_lab.simulation.sensors import SensorConfig

MAX_SIDE_PX = 4096
HEADING_LIMIT_DEG = 90.0
"""Of an odometry that is still one: it turns by a quarter in 60 m."""
_DRIVE_OPTIONS = ("seed", "session", "frames", "rig", "size", "route", "lateral_m", "speed_mps", "rate_hz")


@dataclass(frozen=True)
class _Output:
    """Where the drives go: a scene folder, or a bag.

    Attributes:
        path: of the folder to make.
        sensors: what the bag has beside images; None for a scene folder.
        storage: of the bag.
        is_compressed: whether the bag holds JPEG.
        overwrite: replace an existing one.
    """

    path: Path
    sensors: SensorConfig | None
    storage: str
    is_compressed: bool
    overwrite: bool


class _Real(click.FloatRange):
    """A number between limits; click lets NaN pass, which lies between any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number between {self.min:g} and {self.max:g}.", param, ctx)
        return number


def image_size(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, in pixels."""
    parts = value.split("x")
    if len(parts) != 2 or not all(part.isdigit() and 16 <= int(part) <= MAX_SIDE_PX for part in parts):
        raise click.BadParameter(
            f"{value!r} is not an image size; allowed is WIDTHxHEIGHT, 16 to {MAX_SIDE_PX} each, for example 640x480"
        )
    return int(parts[0]), int(parts[1])


@click.command("simulate")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the town.")
@click.option("--frames", type=click.IntRange(1), default=40, show_default=True, help="Images per camera and drive.")
@click.option(
    "--condition",
    "conditions",
    default="overcast",
    show_default=True,
    help="One or more conditions, separated by commas.",
)
@click.option(
    "--session", type=click.IntRange(0), default=0, show_default=True, help="Seed of the day: cars, people, leaves."
)
@click.option("--rig", default="front", show_default=True, help="Cameras: front, stereo, robotcar.")
@click.option("--size", default="640x480", show_default=True, callback=image_size, help="Image size, pixels.")
@click.option("--route", default="street", show_default=True, help="One of the routes above.")
@click.option(
    "--lateral", "lateral_m", type=_Real(-50, 50), default=0.0, show_default=True, help="Metres left of the lane."
)
@click.option("--speed", "speed_mps", type=_Real(0, 100), help="Metres a second.  [default: 6, in a corridor 1.6]")
@click.option("--rate", "rate_hz", type=_Real(0.01, 1000), default=4.0, show_default=True, help="Images a second.")
@click.option("--device", default="cpu", show_default=True, help="Where to render: cpu, cuda, cuda:1 or auto.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Scene folder to write.")
@click.option("--bag", type=click.Path(path_type=Path), help="Rosbag2 to write instead.")
@click.option("--storage", default="sqlite3", show_default=True, help="Storage of the bag: sqlite3 or mcap.")
@click.option(
    "--odometry-scale", type=_Real(-0.5, 1), help="Bag: fraction by which odometry is too long.  [default: random]"
)
@click.option(
    "--odometry-heading",
    "odometry_heading_deg",
    type=_Real(-HEADING_LIMIT_DEG, HEADING_LIMIT_DEG),
    help="Bag: drift of odometry to the left, degrees in 60 m.  [default: random]",
)
@click.option("--gnss", "gnss_noise_m", type=_Real(0.001, 100), help="Bag: GNSS fixes with this noise, metres.")
@click.option("--imu", "has_imu", is_flag=True, help="Bag: an IMU that measures gravity.")
@click.option("--fault", "faults", multiple=True, help="Bag: one of the faults above; may be repeated.")
@click.option("--compressed", is_flag=True, help="Write JPEG into the bag instead of raw images.")
@json_option
@overwrite_option
def command(*, conditions: str, device: str, output: Path | None, bag: Path | None, **options: Any) -> None:
    """Render drives through a simulated street, with ground truth for every pixel.

    The output is a scene folder (-o) or a rosbag2 (--bag). In a scene folder the first condition is the mapping drive
    (map.txt). Each other condition is a query drive of a later session, shifted sideways in the lane (query.txt). With
    one condition, all images belong to the mapping drive. A bag holds one drive, and its true poses in
    ground_truth.tum.

    Conditions: overcast, sun, dawn, dusk, night, rain, night_rain, snow, autumn, winter.

    Routes: street (straight on), loop (round a block), figure_of_eight (round two blocks), twin_blocks (straight on,
    past two blocks that look alike), corridor (indoors).

    Faults: odometry_jump, camera_off, gnss_outliers, gnss_multipath, no_camera_info, no_tf, truncated.
    """
    from sfd2_lab.simulation.drive import DriveConfig  # noqa: PLC0415 - torch is slow to import, --help is not

    path = output or bag
    if path is None or (output and bag):
        raise click.UsageError("name one output: -o FOLDER for a scene, or --bag FOLDER for a rosbag2")
    refuse_same_path(path, options["json_path"])
    names = [name.strip() for name in conditions.split(",")]
    base = DriveConfig(condition=names[0], **{name: options[name] for name in _DRIVE_OPTIONS})
    sensors = _sensors(options, is_bag=bag is not None)
    target = _Output(path, sensors, options["storage"], options["compressed"], options["overwrite"])
    _refuse_early(base, names, target)
    figures = _render(base, names, target, device)
    write_json(options["json_path"], figures)
    click.echo(f"{figures['pictures']} images, {figures['frames_per_second']:.2f} a second, in {path}")


def _sensors(options: dict[str, Any], *, is_bag: bool) -> SensorConfig | None:
    """Return what a bag has beside images; None for a scene folder.

    Raises:
        UsageError: a scene folder is to have sensors.
    """
    from sfd2_lab.simulation.sensors import SensorConfig  # noqa: PLC0415 - see above

    names = [field.name for field in dataclasses.fields(SensorConfig)]
    config = SensorConfig(**{name: options[name] for name in names})
    if is_bag:
        return config
    if config != SensorConfig():
        raise click.UsageError("odometry, GNSS, IMU and faults are for a bag; write one with --bag FOLDER")
    return None


def _refuse_early(base: DriveConfig, conditions: list[str], target: _Output) -> None:
    """Reject what cannot end well before the long work."""
    from sfd2_lab.simulation.conditions import condition_named  # noqa: PLC0415
    from sfd2_lab.simulation.rigs import make_rig  # noqa: PLC0415
    from sfd2_lab.simulation.scene_folder import SCENE_MARKER  # noqa: PLC0415
    from sfd2_lab.simulation.sensors import check_sensors  # noqa: PLC0415
    from sfd2_ros.bags.writer import BAG_MARKER, storage_named  # noqa: PLC0415 - see above

    for name in conditions:
        condition_named(name)
    make_rig(base.rig, base.size)
    if target.sensors is not None:
        storage_named(target.storage)
        check_sensors(target.sensors)
    if target.sensors is not None and len(conditions) > 1:
        raise ConfigError(f"a bag holds one drive, got conditions {', '.join(conditions)}; name one, or use -o")
    marker = SCENE_MARKER if target.sensors is None else BAG_MARKER
    refuse_existing_folder(target.path, overwrite=target.overwrite, marker=marker)


def _render(base: DriveConfig, conditions: list[str], target: _Output, device: str) -> dict[str, float]:
    from sfd2_lab.simulation.drive import World  # noqa: PLC0415 - see above

    start = time.perf_counter()
    world = World(base.seed, base.route, device=device)
    built = time.perf_counter()
    total = base.frames * len(world.rig(base)) * len(conditions)
    with progress_bar() as report:
        done = 0

        def advance(_frame: object) -> None:
            nonlocal done
            done += 1
            report("rendering", done, total)

        _write(world, base, conditions, target, advance)
    seconds = time.perf_counter() - built
    return {
        "pictures": done,
        "frames_per_second": done / seconds,
        "seconds": seconds,
        "world_seconds": built - start,
        "texture_bytes": world.atlas.bytes_used(),
    }


def _write(
    world: World, base: DriveConfig, conditions: list[str], target: _Output, on_frame: Callable[[object], None]
) -> None:
    from sfd2_lab.simulation.drive_bag import write_drive_bag  # noqa: PLC0415
    from sfd2_lab.simulation.scene_folder import drives_by_condition, write_scene  # noqa: PLC0415

    if target.sensors is None:
        parts = drives_by_condition(base, conditions)
        write_scene(world, parts, target.path, overwrite=target.overwrite, on_frame=on_frame)
        return
    write_drive_bag(
        world,
        base,
        target.path,
        sensors=target.sensors,
        storage=target.storage,
        is_compressed=target.is_compressed,
        overwrite=target.overwrite,
        on_frame=on_frame,
    )
