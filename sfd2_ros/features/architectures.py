# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The networks by name: three sizes with one interface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.key_map import DIMENSION_ENTRY, PARAMETER_OF
from sfd2_ros.features.light_network import LIGHT_DIMENSIONS, LightNetwork
from sfd2_ros.features.model_names import MODELS
from sfd2_ros.features.network import DESCRIPTOR_DIMENSIONS, HALF_CHANNELS, FeatureNetwork, Sfd2Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        model: name that users give, for example "sfd2-s".
        layout: name in the header of weights files; it changes when the same values would compute something else.
        dimensions: lengths of descriptor, the usual one first.
        build: returns the network for a length of descriptor and a brightness, with random values.
        parameter_of: name in the network's state dict, by entry of a weights file.
        dimension_entry: entry whose first size is the length of a descriptor.
    """

    model: str
    layout: str
    dimensions: tuple[int, ...]
    build: Callable[[int, float], FeatureNetwork]
    parameter_of: Mapping[str, str]
    dimension_entry: str

    def shapes(self, dimension: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each entry of a weights file."""
        with torch.device("meta"):
            state = self.build(dimension, 0.0).state_dict()
        return {entry: tuple(state[own].shape) for entry, own in self.parameter_of.items()}


def _half(dimension: int, brightness: float) -> FeatureNetwork:
    return Sfd2Network(dimension, brightness, HALF_CHANNELS)


@cache
def architectures() -> tuple[Architecture, ...]:
    """Return the networks, the largest first."""
    found = []
    for model, build, dimensions in (
        (MODELS[0], Sfd2Network, DESCRIPTOR_DIMENSIONS),
        (MODELS[1], _half, DESCRIPTOR_DIMENSIONS),
        (MODELS[2], LightNetwork, LIGHT_DIMENSIONS),
    ):
        with torch.device("meta"):
            network = build(dimensions[0], 0.0)
        published = isinstance(network, Sfd2Network)
        names = PARAMETER_OF if published else {name: name for name in network.state_dict()}
        entry = DIMENSION_ENTRY if published else "description.output.weight"
        found.append(Architecture(model, network.layout, dimensions, build, names, entry))
    return tuple(found)


def architecture_of_model(model: str) -> Architecture:
    """Return the network of a name that a user gave.

    Raises:
        ConfigError: no network has this name.
    """
    for architecture in architectures():
        if architecture.model == model:
            return architecture
    raise ConfigError(f"model {model!r} is not known; allowed: {', '.join(map(repr, MODELS))}")


def architecture_of_layout(layout: str) -> Architecture | None:
    """Return the network of a layout, or None where no network has it."""
    return next((one for one in architectures() if one.layout == layout), None)


def layout_of_entries(entries: Mapping[str, torch.Tensor]) -> str:
    """Return the layout of a file without a header: that whose first entry has the shape, such as (64, 3, 3, 3).

    Entries that fit none are taken for the published layout, whose check then names what is wrong.
    """
    for architecture in architectures():
        first = next(iter(architecture.parameter_of))
        shape = architecture.shapes(architecture.dimensions[0])[first]
        if first in entries and tuple(entries[first].shape) == shape:
            return architecture.layout
    return architectures()[0].layout
