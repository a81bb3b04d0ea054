# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 dataset traffic-cameras`: frames of fixed cameras by day and by night, sorted for training."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.tools.options import progress_bar


@click.command("traffic-cameras")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for a folder per camera.")
@click.option("--most", type=click.IntRange(1), default=14, show_default=True, help="Frames of each light and camera.")
def traffic_cameras(*, folders: tuple[Path, ...], output: Path, most: int) -> None:
    """Sort frames of Singapore's traffic cameras in FOLDERs for a training source of kind fixed_cameras.

    Writes a folder per camera with day_*, dusk_* and night_* by the clock, and overlay.png: names and logos that are
    painted over the frames. docs/training_images.md lists where the frames are, and their terms.
    """
    from sfd2_lab.datasets.traffic_cameras import sort_frames  # noqa: PLC0415 - torch is slow to import

    with progress_bar() as progress:
        written = sort_frames(folders, output, progress, most=most)
    for camera, counts in written.items():
        click.echo(f"{output / camera}: " + ", ".join(f"{counts[light]} {light}" for light in ("day", "dusk", "night")))
