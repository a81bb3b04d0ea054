# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights average`: one set of weights from several that were trained on from each other."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.tools.options import check_suffix, overwrite_option


@click.command("average")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@overwrite_option
def command(*, files: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Write the mean of the weights in FILES, rounded to float16, under the terms of all of them.

    For trainings from the same start, or from each other: their mean is often better than each of them on images unlike
    the training data. Maps must be built again.
    """
    from sfd2_ros.features.average import average as mean_of  # noqa: PLC0415
    from sfd2_ros.features.weights import in_half_precision, read_weights, write_weights  # noqa: PLC0415

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    weights = in_half_precision(mean_of([read_weights(file) for file in files]))
    write_weights(output, weights)
    click.echo(f"{output}: {weights.weights_id}; terms: {weights.terms}")
