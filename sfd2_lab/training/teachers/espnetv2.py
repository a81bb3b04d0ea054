# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ESPNetv2 as a teacher: an off-the-shelf segmentation network small enough to run beside the training.

Weights: sacmehta/EdgeNets (MIT), `espnetv2_s_2.0_city_1024x512.pth`: the width factor 2, Cityscapes' 19 training
classes and one for the rest. Source of the architecture: Mehta et al., CVPR 2019; shapes from the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from sfd2_lab.training.teachers.espnetv2_blocks import ConvNorm, DilatedUnit, Gate, Pyramid, Reduction, resized
from sfd2_ros.core.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = 20
"""Cityscapes' 19 training classes, then "anything else"."""
REST = 19
"""The class of anything else."""

_WIDTHS = (32, 128, 256, 512)
_DECODER = (64, 48, 32, CLASSES)
_PYRAMID = 10
_WIDEST_PX = (13, 11, 9, 7)
_STEP_PX = 16
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class Encoder(nn.Module):
    """Four levels, at 1/2, 1/4, 1/8 and 1/16 of the resolution."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = _WIDTHS
        self.level1 = ConvNorm(3, one, 3, stride=2)
        self.level2_0 = Reduction(one, two, widest_px=_WIDEST_PX[0])
        self.level3_0 = Reduction(two, three, widest_px=_WIDEST_PX[1])
        self.level3 = nn.ModuleList(DilatedUnit(three, three, stride=1, widest_px=_WIDEST_PX[2]) for _ in range(3))
        self.level4_0 = Reduction(three, four, widest_px=_WIDEST_PX[2])
        self.level4 = nn.ModuleList(DilatedUnit(four, four, stride=1, widest_px=_WIDEST_PX[3]) for _ in range(7))

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of the four levels: 32, 128, 256 and 512 channels."""
        levels = [self.level1(images)]
        levels.append(self.level2_0(levels[-1], images))
        third = self.level3_0(levels[-1], images)
        for unit in self.level3:
            third = unit(third)
        fourth = self.level4_0(third, images)
        for unit in self.level4:
            fourth = unit(fourth)
        return [*levels, third, fourth]


class EspNetV2(nn.Module):
    """The segmentation network; never trained here."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.base_net = Encoder()
        a, b, c, d = _DECODER
        self.bu_dec_l1 = Pyramid(_WIDTHS[3], _PYRAMID, a)
        self.bu_dec_l2 = Pyramid(a, _PYRAMID, b)
        self.bu_dec_l3 = Pyramid(b, _PYRAMID, c)
        self.bu_dec_l4 = Pyramid(c, _PYRAMID, d, is_last=True)
        self.merge_enc_dec_l2 = Gate(_WIDTHS[2], a)
        self.merge_enc_dec_l3 = Gate(_WIDTHS[1], b)
        self.merge_enc_dec_l4 = Gate(_WIDTHS[0], c)
        self.bu_br_l2 = nn.Sequential(nn.BatchNorm2d(a), nn.PReLU(a))
        self.bu_br_l3 = nn.Sequential(nn.BatchNorm2d(b), nn.PReLU(b))
        self.bu_br_l4 = nn.Sequential(nn.BatchNorm2d(c), nn.PReLU(c))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return class logits (B, 20, H, W) of (B, 3, H, W) images in [0, 1], H and W multiples of 16."""
        first, second, third, fourth = self.base_net((images - self.mean) / self.deviation)
        values = self.bu_dec_l1(fourth)
        steps = (
            (self.merge_enc_dec_l2, third, self.bu_br_l2, self.bu_dec_l2),
            (self.merge_enc_dec_l3, second, self.bu_br_l3, self.bu_dec_l3),
            (self.merge_enc_dec_l4, first, self.bu_br_l4, self.bu_dec_l4),
        )
        for gate, features, norm, pyramid in steps:
            size = (int(features.shape[2]), int(features.shape[3]))
            values = pyramid(norm(gate(features) + resized(values, size)))
        return resized(values, (int(images.shape[2]), int(images.shape[3])))

    @torch.no_grad()
    def encoder_features(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return what feature consistency compares: (B, 128, H/4, W/4) and (B, 256, H/8, W/8)."""
        levels: list[torch.Tensor] = self.base_net((images - self.mean) / self.deviation)
        return levels[1:3]

    @torch.no_grad()
    def label(self, images: torch.Tensor) -> torch.Tensor:
        """Return the likeliest class (B, H, W) uint8 of (B, 3, H, W) images in [0, 1] of any size."""
        size = (int(images.shape[2]), int(images.shape[3]))
        whole = (-(-size[0] // _STEP_PX) * _STEP_PX, -(-size[1] // _STEP_PX) * _STEP_PX)
        logits = self(resized(images, whole))
        return resized(logits, size).argmax(1).to(torch.uint8)


def load_espnetv2(path: Path) -> EspNetV2:
    """Load the network with its published weights, in evaluation mode, not to be trained.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    try:
        entries = torch.load(path, map_location="cpu", weights_only=True)
        network = EspNetV2()
        network.load_state_dict(entries, strict=True)
    except Exception as err:  # a damaged file makes the unpickler raise anything
        raise WeightsError(
            f"teacher {str(path)!r} cannot be loaded: {str(err)[:200]}; "
            "give espnetv2_s_2.0_city_1024x512.pth of sacmehta/EdgeNets"
        ) from err
    return network.eval().requires_grad_(requires_grad=False)
