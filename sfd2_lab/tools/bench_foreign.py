# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench foreign`: how many images of other places the localizer takes for its own, without nodes."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.tools.options import (
    device_option,
    json_option,
    model_option,
    progress_bar,
    quiet_colmap,
    weights_option,
    write_json,
)

TOWN_SEED, TOWN_FRAMES = 0, 24
"""The town of `sfd2 bench robustness`. Not tuned."""


@click.command("foreign")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("out/bench/foreign"),
    show_default=True,
    help="Folder for the simulated town and maps; what is there already is used again.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with images of other places; drives/kitti_a below it is mapped too.",
)
@click.option("--images", type=click.IntRange(1), default=1000, show_default=True, help="Images of other places.")
@weights_option
@model_option
@device_option
@json_option
def command(
    *, work: Path, data: Path | None, images: int, weights: Path | None, model: str, device: str, json_path: Path | None
) -> None:
    """Localize images of other places in the map of a simulated town, and in one of a real drive.

    At most four fifths of the images are real ones from --data, spread over all of them; the others are simulated. An
    interrupted run continues when it is called again. The exit code is 1 if an image is localized.
    """
    from sfd2_lab.bench.simulated_scenes import simulated_scene  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_lab.bench.trials.foreign import count_false_poses  # noqa: PLC0415
    from sfd2_ros.features import load_extractor  # noqa: PLC0415
    from sfd2_ros.mapping import MapBuilder  # noqa: PLC0415
    from sfd2_ros.mapping.scene import load_scene  # noqa: PLC0415

    quiet_colmap()
    extractor = load_extractor(weights, device, model=model)
    town_map = work / f"map_town_{TOWN_SEED}_{extractor.weights_id}"
    with progress_bar() as progress:
        if not town_map.exists():
            folder = simulated_scene(TOWN_SEED, (), TOWN_FRAMES, work, progress=progress, device=device)
            scene = load_scene(folder)
            MapBuilder(extractor, progress=progress).from_poses(scene.select("map.txt"), scene.image_folder, town_map)
        figures = count_false_poses(town_map, data, work, extractor, count=images, progress=progress)
    figures = {"weights_id": extractor.weights_id, **figures}
    write_json(json_path, figures)
    click.echo(
        f"{figures['foreign_images']} images of other places ({figures['real']} real, {figures['simulated']} "
        f"simulated), {figures['queries']} queries: {figures['false_poses']} false poses"
    )
    for line in figures["false"]:
        click.echo(line)
    if figures["false_poses"]:
        raise click.exceptions.Exit(1)
