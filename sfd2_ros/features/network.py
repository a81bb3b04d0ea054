# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The SFD2 network: one encoder at a quarter of the resolution, three heads.

Source: Xue, Budvytis, Cipolla, "SFD2: Semantic-guided Feature Detection and Description", CVPR 2023, section 3; layer
sizes and order agree with the published checkpoints (see `key_map`), which load into it and give the same numbers.
"""

from __future__ import annotations

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


class ConvolutionLayer(nn.Module):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, affine: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
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


class Head(nn.Module):
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


class Sfd2Network(nn.Module):
    """The network.

    Args:
        dimension: length of a descriptor, one of `DESCRIPTOR_DIMENSIONS`.
        brightness: what darker neighbourhoods of an image are lifted to first, above 0 and below 1; 0 leaves them.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, dimension: int = 128, brightness: float = 0.0) -> None:
        super().__init__()
        self.dimension, self.brightness = dimension, brightness
        self.register_buffer("mean", _per_channel(_MEAN), persistent=False)
        self.register_buffer("deviation", _per_channel(_DEVIATION), persistent=False)
        self.encoder = nn.Sequential(
            ConvolutionLayer(3, 64),
            ConvolutionLayer(64, 64, stride=2),
            ConvolutionLayer(64, 128),
            ConvolutionLayer(128, 128, stride=2),
            ConvolutionLayer(128, 256),
            ConvolutionLayer(256, 256),
        )
        self.residual = nn.Sequential(*(ResidualBlock(256, groups=32) for _ in range(3)))
        self.detection = Head(256, CELL_PX**2 + 1, stride=2)
        self.description = Head(256, dimension)
        self.stability = nn.Conv2d(256, 3, 1)

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        """Compute the outputs of images.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], H and W multiples of 8.
        """
        shared = self.residual(self.encoder(self.normalised(images)))
        descriptors = F.normalize(self.description(shared).float(), dim=1)
        return NetworkOutput(self.detection(shared), descriptors, self.stability(shared))

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """Return images (B, 3, H, W), normalised and in the memory order of the first convolution."""
        lifted = lift_shadows(images, self.brightness) if self.brightness > 0 else images
        return (lifted - self.mean) / self.deviation


def rectified(values: torch.Tensor) -> torch.Tensor:
    """Set negative values of (B, C, H, W) to zero, in place."""
    if values.dtype is torch.bfloat16 and values.device.type == "cpu" and not torch.is_grad_enabled():
        # Negative numbers are those with the sign bit, as of integers; torch's own takes five to ten times as long.
        values.view(torch.int16).clamp_(min=0)
        return values
    return F.relu(values, inplace=True)


def _per_channel(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
