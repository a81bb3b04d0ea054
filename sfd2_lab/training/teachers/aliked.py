# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ALIKED-n16 of the library kornia as a teacher: of where keypoints are, and of how they are described.

Weights: Shiaoming/ALIKED (BSD-3), `aliked-n16.pth`. Source: Zhao et al., IEEE TIM 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_ros.features.aliked_network import ALIKED_DIMENSION, load_aliked_network
from sfd2_ros.features.keypoints import local_maxima, refine_keypoints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_ros.features.aliked_network import AlikedNetwork

DIMENSION = ALIKED_DIMENSION
"""Length of its descriptors."""

_EDGE_PX = 4  # where the picture ends the network sees corners that are not there


class AlikedTeacher:
    """The network, in evaluation mode.

    Args:
        network: with weights, on its device.
    """

    def __init__(self, network: AlikedNetwork) -> None:
        self._network = network

    @torch.no_grad()
    def corners(self, image: torch.Tensor, *, radius_px: int, smallest: float) -> torch.Tensor:
        """Return where keypoints are and how good.

        Args:
            image: (3, h, w) uint8.
            radius_px: of keypoints within this distance the best stays.
            smallest: lowest reliability.

        Returns:
            (N, 3) float32 on the CPU: x, y in pixels and fractions of them, reliability in [0, 1], the root of ALIKED's
            score: its scores of good corners that are not the best are low, and a detection head that learns them as
            they are says "none".
        """
        _, scores = self._network.dense(image[None].float() / 255)
        reliability = scores.sqrt()
        peaks = local_maxima(reliability, threshold=smallest, radius_px=radius_px)[0]
        inner = torch.zeros_like(peaks)
        inner[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX] = True
        y, x = torch.nonzero(peaks & inner, as_tuple=True)
        place = refine_keypoints(reliability[0], torch.stack([x, y], dim=1))
        return torch.cat([place, reliability[0, y, x][:, None]], dim=1).cpu()

    @torch.no_grad()
    def describe(self, images: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return the descriptors of points.

        Args:
            images: (B, 3, H, W) in [0, 1].
            points: for each image (N, 2) x and y in pixels.

        Returns:
            For each image (N, 128) of length one.
        """
        features, _ = self._network.dense(images)
        return self._network.describe(features, points)


def load_aliked(path: Path, device: torch.device) -> AlikedTeacher:
    """Load ALIKED-n16 with its published weights, not to be trained.

    Raises:
        DependencyError: kornia 0.9 or newer is missing.
        WeightsError: the file is missing, damaged, or of another network.
    """
    return AlikedTeacher(load_aliked_network(path, device))
