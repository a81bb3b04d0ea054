# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights`: inspect, import, export, brighten, average, calibrate, shorten and verify weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.files import atomic_file, refuse_existing
from sfd2_ros.tools.lazy_group import LazyGroup
from sfd2_ros.tools.options import check_suffix, json_option, overwrite_option, write_json

if TYPE_CHECKING:
    from sfd2_ros.features.weights import Weights

_output_option = click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")


# name: (module below sfd2_lab, line of help)
LABORATORY_COMMANDS = {
    name: (f"tools.weights_{name}", text)
    for name, text in (
        ("verify", "Measure the weights on labelled images and compare with the model card."),
        ("brighten", "Set how far the dark parts of images are lifted."),
        ("average", "Average the values of several weights files."),
        ("calibrate", "Calibrate the stability of classes."),
        ("shorten", "Shorten the descriptors."),
    )
}


@click.group("weights", cls=LazyGroup, robot_commands={}, laboratory_commands=LABORATORY_COMMANDS)
def command() -> None:
    """Inspect, import and export weights of the network."""


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def info(*, file: Path | None, json_path: Path | None) -> None:
    """Print identity, terms and training of the weights in FILE; without FILE, of the shipped weights."""
    from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights  # noqa: PLC0415

    path = SHIPPED_WEIGHTS if file is None else file
    figures = _figures(read_weights(path))
    write_json(json_path, figures)
    click.echo(f"{path}")
    for name, value in figures.items():
        click.echo(f"  {name:20} {value}")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_output_option
@click.option("--licence", required=True, help="Terms of use of the weights; stored in the file.")
@click.option("--training", default="unknown", show_default=True, help="How and on which data they were trained.")
@click.option("--brightness", type=float, help="Level that dark parts are lifted to; 0: off.  [default: as in FILE]")
@click.option("--half", is_flag=True, help="Round to float16; this changes the identity.")
@overwrite_option
def import_(
    *, file: Path, output: Path, licence: str, training: str, brightness: float | None, half: bool, overwrite: bool
) -> None:
    """Convert a checkpoint FILE (.pth) to a safetensors file with a header.

    The checkpoint is a state dict of the published SFD2 network, or a dict with one under "model" or "state_dict".
    Nothing in it is executed.
    """
    from sfd2_ros.features.weights import (  # noqa: PLC0415
        in_half_precision,
        read_weights,
        with_brightness,
        write_weights,
    )

    check_suffix(output, ".safetensors")
    refuse_existing(output, overwrite=overwrite)
    weights = dataclasses.replace(read_weights(file), terms=licence, training=training)
    weights = weights if brightness is None else with_brightness(weights, brightness)
    weights = in_half_precision(weights) if half else weights
    write_weights(output, weights)
    click.echo(f"{output}: {weights.weights_id}")


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_output_option
@overwrite_option
def export(*, file: Path | None, output: Path, overwrite: bool) -> None:
    """Write the weights in FILE as a plain float32 state dict (.pth) for other SFD2 tools.

    Without FILE, the shipped weights. The terms of the weights stay valid: a .pth has no field for them.
    """
    import torch  # noqa: PLC0415

    from sfd2_ros.features.weights import read_weights  # noqa: PLC0415

    check_suffix(output, ".pth")
    refuse_existing(output, overwrite=overwrite)
    weights = read_weights(file)
    entries = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.entries.items()
    }
    with atomic_file(output) as temporary:
        torch.save(entries, temporary)
    click.echo(f"{output}: {weights.weights_id}; terms: {weights.terms}")
    if weights.brightness:
        click.echo(
            f"a .pth has no field for brightness {weights.brightness}: other tools must lift the images; "
            f"to import it again, use --brightness {weights.brightness}"
        )


def _figures(weights: Weights) -> dict[str, object]:
    values = [tensor for tensor in weights.entries.values() if tensor.is_floating_point()]
    return {
        "weights_id": weights.weights_id,
        "model": weights.architecture.model,
        "architecture": weights.architecture.layout,
        "descriptor_dim": weights.dimension,
        "values": sum(tensor.numel() for tensor in values),
        "stored_as": ", ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in values})),
        "brightness": weights.brightness,
        "training": weights.training,
        "terms": weights.terms,
    }
