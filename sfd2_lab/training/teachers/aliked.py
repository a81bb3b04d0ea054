# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ALIKED-n16 of the library kornia as a teacher: of where keypoints are, and of how they are described.

Weights: Shiaoming/ALIKED (BSD-3), `aliked-n16.pth`. Source: Zhao et al., IEEE TIM 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.errors import DependencyError, WeightsError
from sfd2_ros.features.checkpoint import read_entries
from sfd2_ros.features.keypoints import local_maxima, refine_keypoints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DIMENSION = 128
"""Length of its descriptors."""

_EDGE_PX = 4  # where the picture ends the network sees corners that are not there
_POINTS = 4096  # described at once; each takes 16 samples of 128 values, so this bounds the memory
_MADE_FROM_SETTINGS = "dkd.hw_grid"  # of kornia's keypoint selection, which is not used here


class AlikedTeacher:
    """The network, in evaluation mode.

    Args:
        network: kornia's, with weights, on its device.
    """

    def __init__(self, network: Any) -> None:
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
        _, scores = self._network.extract_dense_map(image[None].float() / 255)
        reliability = scores[0].float().sqrt()
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
        features, _ = self._network.extract_dense_map(images)
        size = features.new_tensor([features.shape[-1] - 1, features.shape[-2] - 1])
        # One pixel from the edge: kornia cuts patches of 3x3 around the points.
        inside = [torch.minimum(one.clamp(min=1), size - 1) * 2 / size - 1 for one in points]
        found = []
        for feature, points_inside in zip(features.split(1), inside, strict=True):
            parts = [self._network.desc_head(feature, [part])[0][0] for part in points_inside.split(_POINTS)]
            found.append(F.normalize(torch.cat(parts).float(), dim=1))
        return found


def load_aliked(path: Path, device: torch.device) -> AlikedTeacher:
    """Load ALIKED-n16 with its published weights, not to be trained.

    Raises:
        DependencyError: kornia 0.9 or newer is missing.
        WeightsError: the file is missing, damaged, or of another network.
    """
    try:
        from kornia.feature import ALIKED  # noqa: PLC0415
    except ImportError as err:
        raise DependencyError("teacher 'aliked' needs the library kornia from 0.9 on; pip install kornia") from err
    entries, _ = read_entries(path)
    network = ALIKED(model_name="aliked-n16")
    found = network.load_state_dict(entries, strict=False)
    wrong = [*found.unexpected_keys, *(name for name in found.missing_keys if name != _MADE_FROM_SETTINGS)]
    if wrong:
        raise WeightsError(
            f"teacher {str(path)!r} does not fit: {', '.join(wrong[:5])}; give aliked-n16.pth of Shiaoming/ALIKED"
        )
    return AlikedTeacher(network.to(device).eval().requires_grad_(requires_grad=False))
