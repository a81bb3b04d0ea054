# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 simulate`: renders drives through a street into a scene folder or a bag."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from sfd2_ros.simulation.drive import DriveConfig, Frame


def _size(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    parts = value.split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts) or not all(int(part) >= 16 for part in parts):
        raise click.BadParameter(f"{value!r} is no picture size; WIDTHxHEIGHT is needed, for example 640x480")
    return int(parts[0]), int(parts[1])


@click.command("simulate")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="World: another seed, another town.")
@click.option("--frames", type=click.IntRange(1), default=40, show_default=True, help="Pictures per camera and drive.")
@click.option("--condition", "conditions", default="overcast", show_default=True, help="One or more, by commas.")
@click.option(
    "--session", type=click.IntRange(0), default=0, show_default=True, help="Day: other cars, people, leaves."
)
@click.option("--rig", default="front", show_default=True, help="Cameras: front, stereo, robotcar.")
@click.option("--size", default="640x480", show_default=True, callback=_size, help="Of each picture, pixels.")
@click.option(
    "--route", default="street", show_default=True, help="street: straight on; loop: round a block; corridor."
)
@click.option(
    "--lateral", "lateral_m", type=float, default=0.0, show_default=True, help="Metres left of the lane's middle."
)
@click.option("--speed", "speed_mps", type=float, help="Metres a second.  [default: 6, in a corridor 1.6]")
@click.option("--rate", "rate_hz", type=float, default=4.0, show_default=True, help="Pictures a second.")
@click.option("--device", default="cpu", show_default=True, help="Where to render, as torch names it.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Scene folder to write.")
@click.option("--bag", type=click.Path(path_type=Path), help="Rosbag2 to write instead.")
@click.option("--storage", default="sqlite3", show_default=True, help="Of the bag: sqlite3 or mcap.")
@click.option("--compressed", "is_compressed", is_flag=True, help="Write JPEG into the bag instead of raw pictures.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="File for figures: frames, speed.")
@click.option("--overwrite", is_flag=True, help="Replace an existing output.")
def command(
    *,
    seed: int,
    frames: int,
    conditions: str,
    session: int,
    rig: str,
    size: tuple[int, int],
    route: str,
    lateral_m: float,
    speed_mps: float | None,
    rate_hz: float,
    device: str,
    output: Path | None,
    bag: Path | None,
    storage: str,
    json_file: Path | None,
    is_compressed: bool,
    overwrite: bool,
) -> None:
    """Render drives through a simulated street, with the truth about every pixel.

    A scene folder holds the first condition as the mapping drive (map.txt) and every further one as a query drive of
    a later session, on another line (query.txt). With one condition all pictures are the mapping drive. A bag holds
    one drive.
    """
    from sfd2_ros.simulation.drive import DriveConfig  # noqa: PLC0415 - torch is slow to import, --help is not

    if (output is None) == (bag is None):
        raise click.UsageError("name one output: -o FOLDER for a scene, or --bag FOLDER for a rosbag2")
    names = [name.strip() for name in conditions.split(",")]
    base = DriveConfig(
        seed=seed,
        session=session,
        frames=frames,
        condition=names[0],
        rig=rig,
        size=size,
        route=route,
        lateral_m=lateral_m,
        speed_mps=speed_mps,
        rate_hz=rate_hz,
    )
    figures = _run(
        base,
        names,
        output=output,
        bag=bag,
        device=device,
        storage=storage,
        is_compressed=is_compressed,
        overwrite=overwrite,
    )
    if json_file is not None:
        with atomic_file(json_file) as temporary:
            temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    rate = figures["frames_per_second"]
    click.echo(f"{figures['pictures']} pictures, {rate:.2f} a second, in {output or bag}")


def _run(
    base: DriveConfig,
    conditions: list[str],
    *,
    output: Path | None,
    bag: Path | None,
    device: str,
    storage: str,
    is_compressed: bool,
    overwrite: bool,
) -> dict[str, float]:
    from sfd2_ros.simulation.conditions import condition_named  # noqa: PLC0415 - see above
    from sfd2_ros.simulation.drive import World  # noqa: PLC0415
    from sfd2_ros.simulation.drive_bag import write_drive_bag  # noqa: PLC0415
    from sfd2_ros.simulation.rigs import make_rig  # noqa: PLC0415
    from sfd2_ros.simulation.scene_folder import drives_by_condition, write_scene  # noqa: PLC0415

    for name in conditions:
        condition_named(name)
    if bag is not None and len(conditions) > 1:
        raise ConfigError(f"a bag holds one drive, got conditions {', '.join(conditions)}; name one, or use -o")
    cameras = len(make_rig(base.rig, base.size))
    start = time.perf_counter()
    world = World(base.seed, base.route, device=device)
    built = time.perf_counter()
    with Progress(transient=True) as progress:
        task = progress.add_task("rendering", total=base.frames * cameras * len(conditions))

        def advance(_frame: Frame) -> None:
            progress.advance(task)

        if bag is not None:
            count = write_drive_bag(
                world, base, bag, storage=storage, is_compressed=is_compressed, overwrite=overwrite, on_frame=advance
            )
        else:
            folder = output or Path("scene")
            count = write_scene(
                world, drives_by_condition(base, conditions), folder, overwrite=overwrite, on_frame=advance
            )
    seconds = time.perf_counter() - built
    return {
        "pictures": count,
        "frames_per_second": count / seconds,
        "seconds": seconds,
        "world_seconds": built - start,
        "texture_bytes": world.atlas.bytes_used(),
    }
