# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 simulate`: renders drives through a street into a scene folder or a bag."""

from __future__ import annotations

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

MAX_SIDE_PX = 4096
_DRIVE_OPTIONS = ("seed", "session", "frames", "rig", "size", "route", "lateral_m", "speed_mps", "rate_hz")


@dataclass(frozen=True)
class _Output:
    """Where the drives go: a scene folder, or a bag.

    Attributes:
        path: of the folder to make.
        is_bag: whether it is a bag.
        storage: of the bag.
        is_compressed: whether the bag holds JPEG.
        overwrite: replace an existing one.
    """

    path: Path
    is_bag: bool
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


def _size(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
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
@click.option("--size", default="640x480", show_default=True, callback=_size, help="Image size, pixels.")
@click.option("--route", default="street", show_default=True, help="street: ahead; loop: round a block; corridor.")
@click.option(
    "--lateral", "lateral_m", type=_Real(-50, 50), default=0.0, show_default=True, help="Metres left of the lane."
)
@click.option("--speed", "speed_mps", type=_Real(0, 100), help="Metres a second.  [default: 6, in a corridor 1.6]")
@click.option("--rate", "rate_hz", type=_Real(0.01, 1000), default=4.0, show_default=True, help="Images a second.")
@click.option("--device", default="cpu", show_default=True, help="Where to render: cpu, cuda, cuda:1 or auto.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Scene folder to write.")
@click.option("--bag", type=click.Path(path_type=Path), help="Rosbag2 to write instead.")
@click.option("--storage", default="sqlite3", show_default=True, help="Storage of the bag: sqlite3 or mcap.")
@click.option("--compressed", is_flag=True, help="Write JPEG into the bag instead of raw images.")
@json_option
@overwrite_option
def command(*, conditions: str, device: str, output: Path | None, bag: Path | None, **options: Any) -> None:
    """Render drives through a simulated street, with ground truth for every pixel.

    A scene folder holds the first condition as the mapping drive (map.txt) and each other one as a query drive of a
    later session, on another line of the lane (query.txt). With one condition all images are the mapping drive. A bag
    holds one drive.

    Conditions: overcast, sun, dawn, dusk, night, rain, night_rain, snow, autumn, winter.
    """
    from sfd2_lab.simulation.drive import DriveConfig  # noqa: PLC0415 - torch is slow to import, --help is not

    path = output or bag
    if path is None or (output and bag):
        raise click.UsageError("name one output: -o FOLDER for a scene, or --bag FOLDER for a rosbag2")
    refuse_same_path(path, options["json_path"])
    names = [name.strip() for name in conditions.split(",")]
    base = DriveConfig(condition=names[0], **{name: options[name] for name in _DRIVE_OPTIONS})
    target = _Output(path, bag is not None, options["storage"], options["compressed"], options["overwrite"])
    _refuse_early(base, names, target)
    figures = _render(base, names, target, device)
    write_json(options["json_path"], figures)
    click.echo(f"{figures['pictures']} images, {figures['frames_per_second']:.2f} a second, in {path}")


def _refuse_early(base: DriveConfig, conditions: list[str], target: _Output) -> None:
    """Reject what cannot end well before the long work."""
    from sfd2_lab.simulation.conditions import condition_named  # noqa: PLC0415
    from sfd2_lab.simulation.rigs import make_rig  # noqa: PLC0415
    from sfd2_lab.simulation.scene_folder import SCENE_MARKER  # noqa: PLC0415
    from sfd2_ros.bags.writer import BAG_MARKER, storage_named  # noqa: PLC0415 - see above

    for name in conditions:
        condition_named(name)
    make_rig(base.rig, base.size)
    if target.is_bag:
        storage_named(target.storage)
    if target.is_bag and len(conditions) > 1:
        raise ConfigError(f"a bag holds one drive, got conditions {', '.join(conditions)}; name one, or use -o")
    marker = BAG_MARKER if target.is_bag else SCENE_MARKER
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

    if not target.is_bag:
        parts = drives_by_condition(base, conditions)
        write_scene(world, parts, target.path, overwrite=target.overwrite, on_frame=on_frame)
        return
    write_drive_bag(
        world,
        base,
        target.path,
        storage=target.storage,
        is_compressed=target.is_compressed,
        overwrite=target.overwrite,
        on_frame=on_frame,
    )
