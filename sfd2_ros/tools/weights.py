# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights`: inspect, import, export, brighten, average, calibrate, shorten, whiten and verify weights."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.errors import ImageError
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
        ("whiten", "Weigh the directions of the descriptors by their evidence."),
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
@click.option("-o", "--output", type=click.Path(path_type=Path), help="State dict to write (.pth).")
@click.option("--onnx", "onnx_path", type=click.Path(path_type=Path), help="ONNX model to write (.onnx).")
@click.option("--decode", type=click.IntRange(1, 65536), help="Choose so many keypoints inside the ONNX model.")
@overwrite_option
def export(
    *, file: Path | None, output: Path | None, onnx_path: Path | None, decode: int | None, overwrite: bool
) -> None:
    """Write the weights in FILE as a plain float32 state dict (.pth) for other SFD2 tools, or as an ONNX model.

    Without FILE, the shipped weights. The terms of the weights stay valid: a .pth has no field for them. The ONNX model
    takes `images` (batch, 3, height, width), float32 RGB from 0 to 1, height and width multiples of 8, and returns
    `detection_logits`, `descriptors` and `stability_logits`. With --decode it takes one image and returns `keypoints`,
    `scores`, `stability` and `descriptors`; rows of score 0 are no keypoints.
    """
    from sfd2_ros.features.weights import read_weights  # noqa: PLC0415

    if (output is None) == (onnx_path is None):
        raise click.UsageError("name one output: -o FILE.pth or --onnx FILE.onnx")
    if decode is not None and onnx_path is None:
        raise click.UsageError("--decode belongs to --onnx")
    for path, suffix in ((output, ".pth"), (onnx_path, ".onnx")):
        if path is not None:
            check_suffix(path, suffix)
            refuse_existing(path, overwrite=overwrite)
    weights = read_weights(file)
    if onnx_path is not None:
        _write_onnx(onnx_path, weights, decode)
    if output is not None:
        _write_state_dict(output, weights)


@command.command()
@click.argument("images", type=click.Path(path_type=Path))
@_output_option
@click.option("--weights", "file", type=click.Path(path_type=Path), help="[default: the shipped weights]")
@click.option(
    "--max-images", type=click.IntRange(1), default=32, show_default=True, help="Evenly chosen of the folder."
)
@overwrite_option
def quantise(*, images: Path, file: Path | None, output: Path, max_images: int, overwrite: bool) -> None:
    """Write the network in int8, calibrated with a folder of IMAGES, for --weights and the parameter weights.

    Choose images of several places, by day and night, none of the map. The names of the images are kept in the header.
    Maps of the weights stay valid.
    """
    from sfd2_ros.features.images import list_images, read_image  # noqa: PLC0415
    from sfd2_ros.features.inference import fold_norms  # noqa: PLC0415
    from sfd2_ros.features.quantised import SUFFIX, quantised_model  # noqa: PLC0415
    from sfd2_ros.features.weights import build_network, read_weights  # noqa: PLC0415

    check_suffix(output, SUFFIX)
    refuse_existing(output, overwrite=overwrite)
    weights = read_weights(file)
    if not images.is_dir():
        raise ImageError(f"no folder at {str(images)!r}; name a folder of images to calibrate with")
    names = list_images(images)
    chosen = names[:: -(-len(names) // max_images)] if names else []
    header = {
        "weights_id": weights.weights_id,
        "descriptor_dim": str(weights.dimension),
        "terms": weights.terms,
        "brightness": str(weights.brightness),
    }
    model = quantised_model(
        fold_norms(build_network(weights)), {name: read_image(images / name) for name in chosen}, header
    )
    with atomic_file(output) as temporary:
        temporary.write_bytes(model)
    click.echo(f"{output}: {weights.weights_id} in int8, calibrated with {len(chosen)} images")


def _write_state_dict(path: Path, weights: Weights) -> None:
    import torch  # noqa: PLC0415

    entries = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.entries.items()
    }
    # PyTorch's own writer reports a full disk as "unexpected pos", by a traceback.
    content = io.BytesIO()
    torch.save(entries, content)
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())
    click.echo(f"{path}: {weights.weights_id}; terms: {weights.terms}")
    if weights.brightness:
        click.echo(
            f"a .pth has no field for brightness {weights.brightness}: other tools must lift the images; "
            f"to import it again, use --brightness {weights.brightness}"
        )


def _write_onnx(path: Path, weights: Weights, decode: int | None) -> None:
    from sfd2_ros.features.extractor import ExtractorConfig  # noqa: PLC0415
    from sfd2_ros.features.inference import fold_norms  # noqa: PLC0415
    from sfd2_ros.features.onnx_export import decoding_as_onnx, network_as_onnx  # noqa: PLC0415
    from sfd2_ros.features.semantics import load_stability_table  # noqa: PLC0415
    from sfd2_ros.features.weights import build_network  # noqa: PLC0415

    network = fold_norms(build_network(weights))
    metadata = {
        "weights_id": weights.weights_id,
        "terms": weights.terms,
        "training": weights.training,
        "brightness": str(weights.brightness),
    }
    if decode is None:
        model = network_as_onnx(network, metadata)
    else:
        config = ExtractorConfig(max_keypoints=decode)
        settings = {f"extractor.{name}": value for name, value in dataclasses.asdict(config).items()}
        model = decoding_as_onnx(network, config, load_stability_table().class_values, {**metadata, **settings})
    with atomic_file(path) as temporary:
        temporary.write_bytes(model)
    click.echo(f"{path}: {weights.weights_id}; terms: {weights.terms}")


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
