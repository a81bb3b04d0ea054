# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights calibrate`: shift the stability head."""

from __future__ import annotations

from pathlib import Path

import click

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.tools.options import check_suffix, overwrite_option


@click.command("calibrate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--views", required=True, type=click.Path(path_type=Path), help="Folder of simulated views not trained on."
)
@click.option(
    "--target",
    default=0.03,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Largest fraction of keypoints on sky, water, vehicles and people.",
)
@click.option("--pairs", default=16, show_default=True, type=click.IntRange(min=1), help="Pairs of crops to look at.")
@overwrite_option
def command(*, file: Path, output: Path, views: Path, target: float, pairs: int, overwrite: bool) -> None:
    """Shift the stability head of the weights in FILE until few keypoints lie on dynamic objects.

    The smallest shift that reaches the target on simulated views is used (800 keypoints in crops of 320x320); the cost
    of each shift is printed. The identity changes: maps must be built again.
    """
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from sfd2_lab.training import calibration  # noqa: PLC0415
    from sfd2_lab.training.config import ValidationConfig  # noqa: PLC0415
    from sfd2_lab.training.data.geometry import WarpConfig  # noqa: PLC0415
    from sfd2_lab.training.data.source_config import SourceConfig  # noqa: PLC0415
    from sfd2_lab.training.data.sources import classes_of  # noqa: PLC0415
    from sfd2_lab.training.data.view_source import ViewSource  # noqa: PLC0415
    from sfd2_ros.features.semantics import load_stability_table  # noqa: PLC0415
    from sfd2_ros.features.weights import read_weights, write_weights  # noqa: PLC0415

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    weights = read_weights(file)
    classes = classes_of(SourceConfig(label_set="ade20k", label_offset=1), load_stability_table())
    source = ViewSource(views, np.asarray(classes), lambda _image: torch.zeros(0, 3), WarpConfig(1.25, 10.0, 0.1, 0.1))
    settings = ValidationConfig(pairs=pairs, keypoints=800)
    shift = 0.0
    for shift, mean in calibration.calibrate(weights, source, settings, target=target):
        click.echo(
            f"shift {shift:4.2f}: {mean.unstable:.3f} on what moves, matching {mean.matching:.3f}, "
            f"repeatability {mean.repeatability:.3f}"
        )
    note = f"; stability head shifted by {shift:.2f} for at most {target} of simulated keypoints on what moves"
    moved = calibration.shifted(weights, shift, note)
    write_weights(output, moved)
    click.echo(f"{output}: {moved.weights_id}")
