# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network's middle layers beside its outputs, for feature consistency."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.network import NetworkOutput

if TYPE_CHECKING:
    from sfd2_ros.features.network import FeatureNetwork, RawOutput

MIDDLE_CHANNELS = (128, 256)
"""Channels of the two middle layers; those of ConvNeXt-base's first stages and of ESPNetv2's, too."""


class TappedOutput(NamedTuple):
    """Outputs and the two middle layers; of the published network (B, 128, H/4, W/4) and (B, 256, H/4, W/4)."""

    output: NetworkOutput
    middle: tuple[torch.Tensor, torch.Tensor]


def raw_forward(network: FeatureNetwork, images: torch.Tensor) -> RawOutput:
    """Run the convolutions; the part of a step that may be compiled."""
    return network.raw(images)


def tapped(raw: RawOutput) -> TappedOutput:
    """Turn what the convolutions give into what `network(images)` gives, and keep the middle layers.

    Gradients enter the heads channels last: in the other order oneDNN's backward convolutions in bfloat16 take several
    times as long (docs/training.md).
    """
    early, shared, detection, description, stability = (channels_last_gradient(part) for part in raw)
    output = NetworkOutput(detection, F.normalize(description.float(), dim=1), stability)
    return TappedOutput(output, (early, shared))


def channels_last_gradient(values: torch.Tensor) -> torch.Tensor:
    """Return the values; their gradient will arrive channels last."""
    if values.requires_grad:
        values.register_hook(_in_channels_last)  # type: ignore[no-untyped-call]  # torch does not annotate it
    return values


def _in_channels_last(gradient: torch.Tensor | None) -> torch.Tensor | None:
    # Compiled code hands None to the hook of an output that no loss uses.
    return None if gradient is None else gradient.contiguous(memory_format=torch.channels_last)
