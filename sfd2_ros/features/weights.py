# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of the network: strict loading, an identity that does not depend on the file, safetensors with a header."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save

import sfd2_ros
from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.architectures import Architecture, architecture_of_layout, architectures, layout_of_entries
from sfd2_ros.features.brightness import MAX_BRIGHTNESS
from sfd2_ros.features.checkpoint import read_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfd2_ros.features.network import FeatureNetwork

UNKNOWN = "unknown"
SHIPPED_WEIGHTS = Path(sfd2_ros.__file__).parent / "data" / "weights" / "sfd2_open.safetensors"
"""The weights that come with the package."""

_COUNTER = "num_batches_tracked"
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that fit the network.

    Attributes:
        entries: tensors on the CPU by published name, dtype as stored.
        dimension: length of a descriptor.
        training: what they were trained on and how, in words.
        terms: licence of the weights, in words.
        weights_id: identity of the values, for example "sfd2-128d-0123456789ab".
        brightness: what darker neighbourhoods of an image are lifted to before the network; 0: images as they are.
        architecture: network that they fit.
    """

    entries: Mapping[str, torch.Tensor]
    dimension: int
    training: str
    terms: str
    weights_id: str
    brightness: float
    architecture: Architecture


def read_weights(path: Path | None = None) -> Weights:
    """Read and check weights.

    Args:
        path: a safetensors file or a checkpoint; None for the weights that ship with the package.

    Raises:
        WeightsError: the file is missing or damaged, an entry is missing, unknown, misshapen or not finite, or the
            values are not those that the header names.
    """
    path = SHIPPED_WEIGHTS if path is None else path
    entries, metadata = read_entries(path)
    architecture = _architecture_of(entries, metadata, str(path))
    dimension = _check_entries(entries, architecture, str(path))
    brightness = _brightness_of(metadata, str(path))
    weights = Weights(
        entries=entries,
        dimension=dimension,
        training=metadata.get("training", UNKNOWN),
        terms=metadata.get("terms", UNKNOWN),
        weights_id=identify(entries, brightness, architecture),
        brightness=brightness,
        architecture=architecture,
    )
    promised = metadata.get("weights_id", weights.weights_id)
    if promised != weights.weights_id:
        raise WeightsError(
            f"weights {str(path)!r} are damaged: the header names {promised!r}, the values are {weights.weights_id!r}; "
            "copy the file again"
        )
    return weights


def write_weights(path: Path, weights: Weights) -> None:
    """Write weights as safetensors with a header; whole or not at all.

    Raises:
        OutputError: the folder cannot be written.
    """
    metadata = {
        "architecture": weights.architecture.layout,
        "descriptor_dim": str(weights.dimension),
        "training": weights.training,
        "terms": weights.terms,
        "weights_id": weights.weights_id,
        **({"brightness": str(weights.brightness)} if weights.brightness else {}),
    }
    entries = {name: tensor.contiguous() for name, tensor in weights.entries.items()}
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(entries, metadata))


def weights_of_network(network: FeatureNetwork, *, training: str, terms: str) -> Weights:
    """Return the weights that a network has now, as copies on the CPU.

    Args:
        network: the network.
        training: what they were trained on and how, in words.
        terms: licence of the weights, in words.
    """
    architecture = next(one for one in architectures() if one.layout == network.layout)
    state = network.state_dict()
    entries = {entry: state[own].detach().cpu().clone() for entry, own in architecture.parameter_of.items()}
    identity = identify(entries, network.brightness, architecture)
    return Weights(entries, network.dimension, training, terms, identity, network.brightness, architecture)


def in_half_precision(weights: Weights) -> Weights:
    """Return the weights rounded to float16, half the size; they are other values, so the identity is another."""
    entries = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.entries.items()
    }
    return replace(weights, entries=entries, weights_id=identify(entries, weights.brightness, weights.architecture))


def with_brightness(weights: Weights, brightness: float) -> Weights:
    """Return the same values for a network that sees images lifted otherwise; the identity is another.

    Args:
        weights: to take the values of.
        brightness: from 0 to `MAX_BRIGHTNESS`.

    Raises:
        ConfigError: another brightness.
    """
    if not 0 <= brightness <= MAX_BRIGHTNESS:
        raise ConfigError(f"brightness is {brightness!r}; allowed are 0 to {MAX_BRIGHTNESS}")
    identity = identify(weights.entries, brightness, weights.architecture)
    return replace(weights, brightness=brightness, weights_id=identity)


def build_network(weights: Weights) -> FeatureNetwork:
    """Return the network with these weights in float32, in evaluation mode, on the CPU."""
    architecture = weights.architecture
    network = architecture.build(weights.dimension, weights.brightness)
    state = {architecture.parameter_of[name]: tensor for name, tensor in weights.entries.items()}
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(requires_grad=False)


def identify(
    entries: Mapping[str, torch.Tensor], brightness: float = 0.0, architecture: Architecture | None = None
) -> str:
    """Return the identity of weights: a SHA-256 over names, shapes and values, and the brightness unless it is 0.

    None stands for the published network. The names of the others begin with their model and its layout is hashed too.

    Values are taken as float32, so that a float16 file and its exact float32 copy are the same weights. Counters of
    training steps do not change what the network computes and are left out.
    """
    digest = digest_of(entries)
    if brightness:
        digest.update(f"brightness {brightness}\n".encode())
    architecture = architectures()[0] if architecture is None else architecture
    if architecture is not architectures()[0]:
        digest.update(f"layout {architecture.layout}\n".encode())
    return f"{architecture.model}-{entries[architecture.dimension_entry].shape[0]}d-{digest.hexdigest()[:12]}"


def digest_of(entries: Mapping[str, torch.Tensor]) -> hashlib._Hash:
    """Return a SHA-256 over the names, shapes, such as (64, 3, 3, 3), and float32 values of entries."""
    digest = hashlib.sha256()
    for name in sorted(entries):
        if name.endswith(_COUNTER):
            continue
        values = entries[name].detach().cpu().float().contiguous().numpy()
        digest.update(f"{name} {list(values.shape)}\n".encode())
        digest.update(values.astype("<f4").tobytes())
    return digest


def _architecture_of(entries: Mapping[str, torch.Tensor], metadata: Mapping[str, str], source: str) -> Architecture:
    layout = metadata.get("architecture") or layout_of_entries(entries)
    architecture = architecture_of_layout(layout)
    if architecture is None:
        known = ", ".join(repr(one.layout) for one in architectures())
        raise WeightsError(f"weights {source!r} are for {layout!r}; known are {known}; update sfd2_ros")
    return architecture


def _check_entries(entries: Mapping[str, torch.Tensor], architecture: Architecture, source: str) -> int:
    """Check names, shapes, types and values; return the descriptor dimension."""
    problems = _missing_and_extra(entries, architecture)
    dimension = _dimension_of(entries, architecture)
    if dimension not in architecture.dimensions:
        problems.append(f"descriptors of length {dimension}, allowed: {', '.join(map(str, architecture.dimensions))}")
    else:
        problems += _misfits(entries, architecture, dimension)
    if problems:
        name = "SFD2" if architecture is architectures()[0] else architecture.model
        raise WeightsError(f"weights {source!r} do not fit the {name} network: {'; '.join(problems)}")
    return dimension


def _brightness_of(metadata: Mapping[str, str], source: str) -> float:
    given = metadata.get("brightness", "0")
    try:
        brightness = float(given)
    except ValueError:
        brightness = math.nan
    if not 0 <= brightness <= MAX_BRIGHTNESS:
        raise WeightsError(
            f"weights {source!r} have brightness {given!r} in the header; a number from 0 to {MAX_BRIGHTNESS} is needed"
        )
    return brightness


def _missing_and_extra(entries: Mapping[str, torch.Tensor], architecture: Architecture) -> list[str]:
    missing = [name for name in architecture.parameter_of if name not in entries]
    extra = [name for name in entries if name not in architecture.parameter_of]
    problems = [f"missing {_some(missing)}"] if missing else []
    return [*problems, f"unknown {_some(extra)}"] if extra else problems


def _some(names: Sequence[str]) -> str:
    """Return the first few names; a file of another network lacks more than a hundred."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _dimension_of(entries: Mapping[str, torch.Tensor], architecture: Architecture) -> int:
    tensor = entries.get(architecture.dimension_entry)
    # Without that entry the default layout serves to name the other misfits; "missing" is reported anyway.
    return architecture.dimensions[0] if tensor is None or tensor.ndim == 0 else int(tensor.shape[0])


def _misfits(entries: Mapping[str, torch.Tensor], architecture: Architecture, dimension: int) -> list[str]:
    expected = architecture.shapes(dimension)
    problems = []
    for name in expected.keys() & entries.keys():
        tensor, wanted = entries[name], expected[name]
        if tuple(tensor.shape) != wanted:
            problems.append(f"{name} has shape {tuple(tensor.shape)}, expected {wanted}")
        elif name.endswith(_COUNTER):
            continue
        elif tensor.layout is not torch.strided or tensor.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            problems.append(f"{name} is {tensor.dtype} {tensor.layout}, expected float32, float16 or bfloat16")
        elif not math.isfinite(float(tensor.float().abs().sum())):
            problems.append(f"{name} holds values that are not finite")
    return sorted(problems)
