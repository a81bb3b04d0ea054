# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ALIKED-n16 of the library kornia, with weights that the user names.

Weights: Shiaoming/ALIKED (BSD-3), `aliked-n16.pth`. Source: Zhao et al., IEEE TIM 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.errors import DependencyError, WeightsError
from sfd2_ros.features.checkpoint import read_entries
from sfd2_ros.features.weights import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ALIKED_DIMENSION = 128
"""Length of its descriptors."""

_POINTS = 4096  # described at once; each takes 16 samples of 128 values, so this bounds the memory
_MADE_FROM_SETTINGS = "dkd.hw_grid"  # of kornia's keypoint selection, which is not used here
_REMEDY = "give aliked-n16.pth of Shiaoming/ALIKED"


class AlikedNetwork:
    """The network, in evaluation mode, in float32.

    Args:
        network: kornia's, with weights, on its device.
        weights_id: identity of the weights, for example "aliked-n16-128d-0123456789ab".
    """

    def __init__(self, network: Any, weights_id: str) -> None:
        self._network, self.weights_id = network, weights_id

    @torch.no_grad()
    def dense(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features (B, C, H, W) and scores (B, H, W) in (0, 1) of (B, 3, H, W) images in [0, 1]."""
        features, scores = self._network.extract_dense_map(images)
        return features, scores[:, 0].float()

    @torch.no_grad()
    def describe(self, features: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return the descriptors of points.

        Args:
            features: (B, C, H, W) of `dense`.
            points: for each image (N, 2) x and y in pixels.

        Returns:
            For each image (N, 128) of length one.
        """
        size = features.new_tensor([features.shape[-1] - 1, features.shape[-2] - 1])
        found = []
        for feature, wanted in zip(torch.split(features, 1), points, strict=True):
            # One pixel from the edge: kornia cuts patches of 3x3 around the points.
            inside = torch.minimum(wanted.clamp(min=1), size - 1) * 2 / size - 1
            parts = [self._network.desc_head(feature, [part])[0][0] for part in torch.split(inside, _POINTS)]
            found.append(F.normalize(torch.cat(parts).float(), dim=1))
        return found


def load_aliked_network(path: Path, device: torch.device) -> AlikedNetwork:
    """Load ALIKED-n16 with its published weights, not to be trained.

    Raises:
        DependencyError: kornia 0.9 or newer is missing.
        WeightsError: the file is missing, damaged, or of another network.
    """
    try:
        from kornia.feature import ALIKED  # noqa: PLC0415 - an optional library
    except ImportError as err:
        raise DependencyError("ALIKED needs the library kornia from 0.9 on; pip install 'kornia>=0.9'") from err
    entries, _ = read_entries(path, remedy=_REMEDY)
    network = ALIKED(model_name="aliked-n16")
    found = network.load_state_dict(entries, strict=False)
    wrong = [*found.unexpected_keys, *(name for name in found.missing_keys if name != _MADE_FROM_SETTINGS)]
    if wrong:
        raise WeightsError(f"weights {str(path)!r} do not fit ALIKED-n16: {', '.join(wrong[:5])}; {_REMEDY}")
    identity = f"aliked-n16-{ALIKED_DIMENSION}d-{digest_of(entries).hexdigest()[:12]}"
    return AlikedNetwork(network.to(device).eval().requires_grad_(requires_grad=False), identity)
