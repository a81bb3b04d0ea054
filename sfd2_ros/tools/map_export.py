# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map export`: a map as a COLMAP model."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import atomic_folder
from sfd2_ros.tools.options import overwrite_option, quiet_colmap


@click.command("export")
@click.argument("path", metavar="MAP", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the COLMAP model.")
@click.option("--text", is_flag=True, help="Write text files in place of binary ones.")
@click.option(
    "--features",
    "features_path",
    type=click.Path(path_type=Path),
    help="File of sfd2 extract with the images of the map: its keypoints become those of the model, in its order, as "
    "hloc needs them. Default: the keypoints that observed a landmark.",
)
@overwrite_option
def command(*, path: Path, output: Path, text: bool, features_path: Path | None, overwrite: bool) -> None:
    """Write the COLMAP model of a MAP."""
    from sfd2_ros.mapping import load_map  # noqa: PLC0415
    from sfd2_ros.mapping.colmap_io import write_model  # noqa: PLC0415
    from sfd2_ros.mapping.hloc_files import read_features_of  # noqa: PLC0415
    from sfd2_ros.mapping.map_model import model_of  # noqa: PLC0415

    quiet_colmap()
    loaded = load_map(path)
    keypoints = None
    if features_path is not None:
        by_name = read_features_of(features_path, loaded.images, weights_id=loaded.weights_id)
        keypoints = [by_name[image.name].keypoints for image in loaded.images]
    model = model_of(loaded.images, loaded.landmarks, keypoints)
    with atomic_folder(output, overwrite=overwrite, marker="cameras.*") as folder:
        write_model(model, folder, is_text=text)
    click.echo(f"{output}: {model.num_reg_images()} images, {model.num_points3D()} points")
