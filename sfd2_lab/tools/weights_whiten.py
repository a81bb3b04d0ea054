# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights whiten`: weights whose descriptors count less what differs between images of the same place."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.tools.options import check_suffix, overwrite_option, progress_bar


@click.command("whiten")
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Folder that the paths in CONFIG are relative to."
)
@click.option("--pairs", default=440, show_default=True, type=click.IntRange(min=1), help="Pairs of images.")
@overwrite_option
def command(*, config: Path, file: Path | None, output: Path, data: Path, pairs: int, overwrite: bool) -> None:
    """Whiten the descriptors of the weights in FILE, or of the shipped weights.

    True pairs come from the sources of CONFIG, a configuration of `sfd2 train`, in their shares. A linear map makes
    the differences within pairs equal in all directions and is folded into the last convolution of the network. The
    identity changes: maps must be built again.
    """
    import torch  # noqa: PLC0415

    from sfd2_lab.tools.train import render_missing  # noqa: PLC0415
    from sfd2_lab.training.assemble import open_sources  # noqa: PLC0415
    from sfd2_lab.training.config import read_training_config  # noqa: PLC0415
    from sfd2_lab.training.export import terms_with  # noqa: PLC0415
    from sfd2_lab.training.whiten import whiten  # noqa: PLC0415
    from sfd2_ros.features.weights import read_weights, write_weights  # noqa: PLC0415

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    settings, weights = read_training_config(config), read_weights(file)
    terms = terms_with(settings, weights)
    render_missing(settings, data, "cpu")
    opened = open_sources(settings.sources, settings, data, torch.device("cpu"))
    sources = [(source, entry.share) for entry, source in zip(settings.sources, opened, strict=True)]
    with progress_bar() as progress:
        told = whiten(
            weights, sources, terms=terms, pairs=pairs, progress=lambda done, total: progress("describe", done, total)
        )
    write_weights(output, told)
    click.echo(f"{output}: {told.weights_id}")
