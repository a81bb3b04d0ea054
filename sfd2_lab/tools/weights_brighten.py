# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights brighten`: set how far weights lift the dark parts of images."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.tools.options import check_suffix, overwrite_option


@click.command("brighten")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--level",
    default=0.4,
    show_default=True,
    type=float,
    help="What darker neighbourhoods of an image are lifted to, 0 to 0.9; 0: images stay as they are.",
)
@overwrite_option
def command(*, file: Path | None, output: Path, level: float, overwrite: bool) -> None:
    """Write the weights in FILE with another level for dark parts of images.

    Without FILE, the shipped weights, whose level is 0.4. A higher level gives more matches between real nights and
    days, and more keypoints on dynamic objects (docs/model_card.md). The values stay, the identity changes: maps must
    be built again.
    """
    from sfd2_ros.features.weights import read_weights, with_brightness, write_weights  # noqa: PLC0415

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    weights = with_brightness(read_weights(file), level)
    write_weights(output, weights)
    click.echo(f"{output}: {weights.weights_id}")
