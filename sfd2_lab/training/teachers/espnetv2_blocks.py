# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Blocks of ESPNetv2: names of the submodules are those of the published weights.

Source: Mehta, Rastegari, Shapiro, Hajishirzi, "ESPNetv2", CVPR 2019, section 3; shapes from the weights.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

if TYPE_CHECKING:
    from collections.abc import Iterator

BRANCHES = 4
"""Dilated convolutions in a unit, and groups of its pointwise ones."""
PYRAMID_SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
"""Scales at which the decoder looks."""

_LEAST_SIDE = 5


class ConvNorm(nn.Module):
    """Convolution and norm, with an activation if asked for."""

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        if active:
            self.act = nn.PReLU(outputs)
        self._active = active

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        normal: torch.Tensor = self.bn(self.conv(values))
        return self.act(normal) if self._active else normal


class NormAct(nn.Module):
    """Norm and activation after a concatenation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.PReLU(channels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, channels, H, W) to the same shape."""
        result: torch.Tensor = self.act(self.bn(values))
        return result


class DilatedUnit(nn.Module):
    """The EESP unit: reduce, look with four dilations whose results are summed up one after the other, expand.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 1 or 2; with 1 and equal channels the input is added.
        widest_px: receptive fields wider than this become 3.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, widest_px: int) -> None:
        super().__init__()
        inner = outputs // BRANCHES
        self.proj_1x1 = ConvNorm(inputs, inner, 1, groups=BRANCHES)
        self.spp_dw = nn.ModuleList(_Depthwise(inner, stride, dilation) for dilation in sorted(_dilations(widest_px)))
        self.br_after_cat = NormAct(outputs)
        self.conv_1x1_exp = ConvNorm(outputs, outputs, 1, groups=BRANCHES, active=False)
        self.module_act = nn.PReLU(outputs)
        self._stride = stride

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/stride, W/stride); without activation when strided."""
        reduced = self.proj_1x1(values)
        sums: list[torch.Tensor] = []
        for branch in self.spp_dw:
            seen = branch(reduced)
            sums.append(seen + sums[-1] if sums else seen)
        expanded: torch.Tensor = self.conv_1x1_exp(self.br_after_cat(torch.cat(sums, dim=1)))
        if self._stride == 2:
            return expanded
        result: torch.Tensor = self.module_act(expanded + values if expanded.shape == values.shape else expanded)
        return result


class Reduction(nn.Module):
    """Halves the resolution: pooled input beside a strided unit, and the image itself added at that size."""

    def __init__(self, inputs: int, outputs: int, *, widest_px: int) -> None:
        super().__init__()
        self.eesp = DilatedUnit(inputs, outputs - inputs, stride=2, widest_px=widest_px)
        self.inp_reinf = nn.Sequential(ConvNorm(3, 3, 3), ConvNorm(3, outputs, 1, active=False))
        self.act = nn.PReLU(outputs)

    def forward(self, values: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/2, W/2); the image is (B, 3, ...) at full resolution."""
        pooled = F.avg_pool2d(values, 3, stride=2, padding=1)
        both = torch.cat([pooled, self.eesp(values)], dim=1)
        while image.shape[2] > pooled.shape[2]:
            image = F.avg_pool2d(image, 3, stride=2, padding=1)
        result: torch.Tensor = self.act(both + self.inp_reinf(image))
        return result


class Gate(nn.Module):
    """Features of the encoder for the decoder: fewer channels, weighted by what the whole picture holds."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), pointwise, nn.Sigmoid())
        self.expansion_layer = _Named("cbr", _conv_norm_act(inputs, outputs, 3, groups=math.gcd(inputs, outputs)))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        result: torch.Tensor = self.expansion_layer(values) * self.wt_layer(values)
        return result


class Pyramid(nn.Module):
    """Looks at few channels at five scales and merges what it sees.

    Args:
        inputs: channels in.
        inner: channels at each scale.
        outputs: channels out.
        is_last: the last one gives logits, without norm and activation.
    """

    def __init__(self, inputs: int, inner: int, outputs: int, *, is_last: bool = False) -> None:
        super().__init__()
        scales = len(PYRAMID_SCALES)
        self.stages = nn.ModuleList(
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False) for _ in range(scales)
        )
        self.projection_layer = _Named("cbr", _conv_norm_act(inputs, inner, 1))
        self.merge_layer = nn.Sequential(
            _Named("br", _norm_act(inner * scales)),
            nn.ChannelShuffle(scales),
            _Named("cbr", _conv_norm_act(inner * scales, inner, 3, groups=inner)),
            nn.Conv2d(inner, outputs, 1, bias=is_last),
        )
        if not is_last:
            self.br = _Named("br", _norm_act(outputs))
        self._is_last = is_last

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        merged: torch.Tensor = self.merge_layer(torch.cat(list(self._seen(self.projection_layer(values))), dim=1))
        return merged if self._is_last else self.br(merged)

    def _seen(self, values: torch.Tensor) -> Iterator[torch.Tensor]:
        size = (int(values.shape[2]), int(values.shape[3]))
        for scale, stage in zip(PYRAMID_SCALES, self.stages, strict=True):
            inner = (max(_LEAST_SIDE, math.ceil(size[0] * scale)), max(_LEAST_SIDE, math.ceil(size[1] * scale)))
            if scale < 1:
                yield resized(stage(F.adaptive_avg_pool2d(values, inner)), size)
            elif scale > 1:
                yield F.adaptive_avg_pool2d(stage(resized(values, inner)), size)
            else:
                yield stage(values)


def resized(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Interpolate bilinearly, corners on corners, as these weights were trained."""
    return F.interpolate(values, size=size, mode="bilinear", align_corners=True)


class _Depthwise(nn.Module):
    def __init__(self, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, dilation, dilation, groups=channels, bias=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.conv(values)
        return result


class _Named(nn.Module):
    """A module under a name that the published weights have and that says nothing."""

    def __init__(self, name: str, module: nn.Module) -> None:
        super().__init__()
        self.add_module(name, module)
        self._name = name

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.get_submodule(self._name)(values)
        return result


def _dilations(widest_px: int) -> list[int]:
    """Return the dilations of a unit's branches: receptive fields 3, 5, 7, 9, those too wide 3 again."""
    fields = [3 + 2 * branch for branch in range(BRANCHES)]
    return [(field - 1) // 2 if field <= widest_px else 1 for field in fields]


def _conv_norm_act(inputs: int, outputs: int, size: int, *, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.PReLU(outputs))


def _norm_act(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))
