# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights shorten`: weights with shorter descriptors, for smaller maps and faster matching."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.tools.options import check_suffix, overwrite_option


@click.command("shorten")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--dimension", type=click.Choice(["64", "32"]), default="64", show_default=True, help="Length.")
@click.option(
    "--views", required=True, type=click.Path(path_type=Path), help="Folder of views, as `sfd2 train --render` makes."
)
@click.option(
    "--pairs", default=64, show_default=True, type=click.IntRange(min=1), help="Pairs of views to learn from."
)
@overwrite_option
def command(*, file: Path | None, output: Path, dimension: str, views: Path, pairs: int, overwrite: bool) -> None:
    """Shorten the descriptors of the weights in FILE, or of the shipped weights.

    A linear map of the descriptors is learned on simulated views with true correspondence and folded into the last
    convolution of the network. The identity changes: maps must be built again. The terms of the views must be covered
    by those of the weights, as is the case for views that this project simulates.
    """
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from sfd2_lab.training import shorten as shortening  # noqa: PLC0415
    from sfd2_lab.training.data.corner_cache import CornerCache  # noqa: PLC0415
    from sfd2_lab.training.data.geometry import WarpConfig  # noqa: PLC0415
    from sfd2_lab.training.data.view_source import ViewSource  # noqa: PLC0415
    from sfd2_lab.training.teachers.corners import CornerConfig  # noqa: PLC0415
    from sfd2_ros.features.weights import read_weights, write_weights  # noqa: PLC0415

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    weights = read_weights(file)
    corners = CornerCache(views.parent / ".corners", CornerConfig(warps=2), views.parent, torch.device("cpu"))
    source = ViewSource(views, np.zeros(0, np.uint8), corners, WarpConfig(scale=1.2, rotation_deg=5.0))
    short = shortening.shorten(weights, source, int(dimension), pairs=pairs)
    write_weights(output, short)
    click.echo(f"{output}: {short.weights_id}")
