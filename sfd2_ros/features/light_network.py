# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""sfd2-s: a light network with the outputs of SFD2, for computers without an accelerator.

The trunk narrows its channels where the resolution is high, and sums three resolutions (as in XFeat, Potje et al.,
CVPR 2024, section 3.1). The detector sees the pixels of a cell through features at half of the resolution, which are
rearranged into the cell's channels. Descriptors and stability are refined at a quarter of the resolution, as SFD2's
are. 640x480 takes 1.48e9 multiplications, 1/45 of the published network.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.network import CELL_PX, ConvolutionLayer, FeatureNetwork, OutputHead, RawOutput

LIGHT_LAYOUT = "sfd2-s-v1"
"""Name of the layout in the header of weights files."""
LIGHT_DIMENSIONS = (64, 32)
"""Lengths of descriptor that the network is made for."""

_HALF, _QUARTER, _SHARED, _DEEP = 16, 32, 64, 128  # channels, by resolution
_DETECTOR = 128  # channels of the detector's hidden layer


class LightNetwork(FeatureNetwork):
    """The network.

    Args:
        dimension: length of a descriptor, one of `LIGHT_DIMENSIONS`.
        brightness: what darker neighbourhoods of an image are lifted to first, above 0 and below 1; 0 leaves them.
    """

    def __init__(self, dimension: int = 64, brightness: float = 0.0) -> None:
        super().__init__(LIGHT_LAYOUT, dimension, brightness)
        self.trunk_2 = nn.Sequential(_layer(3, _HALF, stride=2), _layer(_HALF, _HALF))
        self.trunk_4 = nn.Sequential(_layer(_HALF, _QUARTER, stride=2), _layer(_QUARTER, _QUARTER))
        self.trunk_8 = nn.Sequential(_layer(_QUARTER, _SHARED, stride=2), _layer(_SHARED, _SHARED))
        self.trunk_16 = nn.Sequential(_layer(_SHARED, _SHARED, stride=2), _layer(_SHARED, _SHARED))
        self.trunk_32 = nn.Sequential(
            _layer(_SHARED, _DEEP, stride=2), _layer(_DEEP, _DEEP), _layer(_DEEP, _SHARED, kernel=1)
        )
        self.fused = _layer(_SHARED, _SHARED)
        self.detail = _layer(_HALF * (CELL_PX // 2) ** 2, _SHARED, kernel=1)
        self.detection = _PointwiseHead(2 * _SHARED, _DETECTOR, CELL_PX**2 + 1)
        self.lateral = nn.Conv2d(_QUARTER, _SHARED, 1)
        self.smoothed = _layer(_SHARED, _SHARED, groups=_SHARED)
        self.description = _PointwiseHead(_SHARED, _SHARED, dimension)
        self.stability = nn.Conv2d(_SHARED, 3, 1)

    def raw(self, images: torch.Tensor) -> RawOutput:
        """Run the convolutions on (B, 3, H, W) RGB images in [0, 1], H and W multiples of 8."""
        half = self.trunk_2(self.normalised(images))
        early = self.trunk_4(half)
        eighth = self.trunk_8(early)
        sixteenth = self.trunk_16(eighth)
        deep = _doubled(self.trunk_32(sixteenth), sixteenth) + sixteenth
        shared = self.fused(_doubled(deep, eighth) + eighth)
        detail = self.detail(F.pixel_unshuffle(half, CELL_PX // 2))
        fine = self.smoothed(_doubled(shared, early) + self.lateral(early))
        detection = self.detection(torch.cat([shared, detail], dim=1))
        return RawOutput(early, shared, detection, self.description(fine), self.stability(fine))


class _PointwiseHead(OutputHead):
    """Two 1x1 convolutions to the output, with a normalisation and ReLU between them."""

    def __init__(self, channels: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.reduce = _layer(channels, hidden, kernel=1)
        self.output = nn.Conv2d(hidden, outputs, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, channels, h, w) to (B, outputs, h, w)."""
        result: torch.Tensor = self.output(self.reduce(values))
        return result


def _layer(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3, groups: int = 1) -> ConvolutionLayer:
    return ConvolutionLayer(inputs, outputs, stride=stride, affine=True, kernel=kernel, groups=groups)


def _doubled(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return values at twice the resolution, cut to the size of others: factor 2 whether their size is odd or even."""
    larger = F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
    return larger[:, :, : like.shape[2], : like.shape[3]]
