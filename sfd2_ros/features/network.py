# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The SFD2 network: one encoder at a quarter of the resolution, three heads; and what all networks have in common.

Source: Xue, Budvytis, Cipolla, "SFD2: Semantic-guided Feature Detection and Description", CVPR 2023, section 3; layer
sizes and order agree with the published checkpoints (see `key_map`), which load into it and give the same numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.brightness import lift_shadows

if TYPE_CHECKING:
    from collections.abc import Sequence

CELL_PX = 8
"""Side of the detector's cells and the step of the input size, pixels."""
DESCRIPTOR_STRIDE_PX = 4
"""Pixels from one descriptor, or stability logit, to the next."""
DESCRIPTOR_DIMENSIONS = (128, 64, 32)
"""Lengths of descriptor that the network is made for."""
FULL_CHANNELS, HALF_CHANNELS = 256, 128
"""Channels of the encoder's output: as published, and half of them (sfd2-m)."""
_LAYOUT_OF_CHANNELS = {FULL_CHANNELS: "sfd2-resseg-v2", HALF_CHANNELS: "sfd2-m-resseg-v1"}
_GROUP_CHANNELS = 8
"""Channels of a group in the residual blocks; 32 groups of 256, as published."""

_EARLY_LAYERS = 4
"""Layers of the encoder up to half of its channels at a quarter of the resolution."""
_MEAN = (0.485, 0.456, 0.406)
"""Of ImageNet's RGB values, as the published weights expect."""
_DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's RGB values, as the published weights expect."""


class NetworkOutput(NamedTuple):
    """Output of the network for a batch of images.

    Attributes:
        detection_logits: (B, 65, H/8, W/8); channel 8 y + x is the pixel (x, y) of the cell, the last one is "none".
        descriptors: (B, D, H/4, W/4) float32, of length one.
        stability_logits: (B, 3, H/4, W/4); classes 0 volatile or dynamic, 1 short-term, 2 long-term.
    """

    detection_logits: torch.Tensor
    descriptors: torch.Tensor
    stability_logits: torch.Tensor


class RawOutput(NamedTuple):
    """Output of the convolutions: two middle layers, and the three heads before anything is normalised.

    Attributes:
        early: (B, C, H/4, W/4) features of the trunk's first half.
        shared: features that the heads share.
        detection: (B, 65, H/8, W/8).
        description: (B, D, H/4, W/4), of any length.
        stability: (B, 3, H/4, W/4).
    """

    early: torch.Tensor
    shared: torch.Tensor
    detection: torch.Tensor
    description: torch.Tensor
    stability: torch.Tensor


class ConvolutionLayer(nn.Module):
    """Convolution (3x3 by default), batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, affine: bool = False, kernel: int = 3, groups: int = 1
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        return rectified(self.norm(self.convolution(values)))


class ResidualBlock(nn.Module):
    """Bottleneck with a grouped 3x3 convolution in the middle, added to its input."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, channels, 1, bias=False)
        self.enter_norm = nn.BatchNorm2d(channels)
        self.grouped = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
        self.grouped_norm = nn.BatchNorm2d(channels)
        self.leave = nn.Conv2d(channels, channels, 1, bias=False)
        self.leave_norm = nn.BatchNorm2d(channels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, channels, H, W) to the same shape."""
        inner = rectified(self.enter_norm(self.enter(values)))
        inner = rectified(self.grouped_norm(self.grouped(inner)))
        return rectified(self.leave_norm(self.leave(inner)) + values)


class OutputHead(nn.Module):
    """A head whose last layer is a 1x1 convolution."""

    output: nn.Conv2d


class Head(OutputHead):
    """Two 3x3 convolutions and a 1x1 convolution to the output."""

    def __init__(self, channels: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.reduce = ConvolutionLayer(channels, channels, stride=stride, affine=True)
        self.refine = nn.Conv2d(channels, channels, 3, padding=1)
        self.output = nn.Conv2d(channels, outputs, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, channels, H, W) to (B, outputs, H/stride, W/stride)."""
        result: torch.Tensor = self.output(self.refine(self.reduce(values)))
        return result


class FeatureNetwork(nn.Module):
    """What the networks of all sizes have in common: input, outputs, and the name of the layout.

    Args:
        layout: name of the network's layout in the header of weights files.
        dimension: length of a descriptor.
        brightness: what darker neighbourhoods of an image are lifted to first, above 0 and below 1; 0 leaves them.
    """

    mean: torch.Tensor
    deviation: torch.Tensor
    description: OutputHead
    stability: nn.Conv2d

    def __init__(self, layout: str, dimension: int, brightness: float) -> None:
        super().__init__()
        self.layout, self.dimension, self.brightness = layout, dimension, brightness
        self.register_buffer("mean", _per_channel(_MEAN), persistent=False)
        self.register_buffer("deviation", _per_channel(_DEVIATION), persistent=False)

    @abstractmethod
    def raw(self, images: torch.Tensor) -> RawOutput:
        """Run the convolutions on (B, 3, H, W) RGB images in [0, 1], H and W multiples of 8."""

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        """Compute the outputs of images.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], H and W multiples of 8.
        """
        raw = self.raw(images)
        return NetworkOutput(raw.detection, F.normalize(raw.description.float(), dim=1), raw.stability)

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """Return images (B, 3, H, W), normalised and in the memory order of the first convolution."""
        lifted = lift_shadows(images, self.brightness) if self.brightness > 0 else images
        return (lifted - self.mean) / self.deviation


class Sfd2Network(FeatureNetwork):
    """The network as published, or with half of its channels everywhere but in the outputs.

    Args:
        dimension: length of a descriptor, one of `DESCRIPTOR_DIMENSIONS`.
        brightness: what darker neighbourhoods of an image are lifted to first, above 0 and below 1; 0 leaves them.
        channels: `FULL_CHANNELS` or `HALF_CHANNELS`.
    """

    def __init__(self, dimension: int = 128, brightness: float = 0.0, channels: int = FULL_CHANNELS) -> None:
        super().__init__(_LAYOUT_OF_CHANNELS[channels], dimension, brightness)
        first, second = channels // 4, channels // 2
        self.encoder = nn.Sequential(
            ConvolutionLayer(3, first),
            ConvolutionLayer(first, first, stride=2),
            ConvolutionLayer(first, second),
            ConvolutionLayer(second, second, stride=2),
            ConvolutionLayer(second, channels),
            ConvolutionLayer(channels, channels),
        )
        groups = channels // _GROUP_CHANNELS
        self.residual = nn.Sequential(*(ResidualBlock(channels, groups) for _ in range(3)))
        self.detection = Head(channels, CELL_PX**2 + 1, stride=2)
        self.description = Head(channels, dimension)
        self.stability = nn.Conv2d(channels, 3, 1)

    def raw(self, images: torch.Tensor) -> RawOutput:
        """Run the convolutions on (B, 3, H, W) RGB images in [0, 1], H and W multiples of 8."""
        early = self.encoder[:_EARLY_LAYERS](self.normalised(images))
        shared = self.residual(self.encoder[_EARLY_LAYERS:](early))
        return RawOutput(early, shared, self.detection(shared), self.description(shared), self.stability(shared))


def rectified(values: torch.Tensor) -> torch.Tensor:
    """Set negative values of (B, C, H, W) to zero, in place."""
    if values.dtype is torch.bfloat16 and values.device.type == "cpu" and not torch.is_grad_enabled():
        # Negative numbers are those with the sign bit, as of integers; torch's own takes five to ten times as long.
        values.view(torch.int16).clamp_(min=0)
        return values
    return F.relu(values, inplace=True)


def _per_channel(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
