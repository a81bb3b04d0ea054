# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ALIKED, DISK and XFeat of the library kornia, with weights that the user names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sfd2_lab.bench.peer import HALF_BYTES, PeerConfig, strongest_features
from sfd2_lab.bench.peer_weights import library_for, load_into
from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.device import choose_device

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

    # (1, 3, H, W) in [0, 1] -> keypoints (N, 2), scores (N,), descriptors (N, D)
    Detect = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]

_INSTALL = "pip install 'kornia>=0.9'"
_ALIKED_NAMES = ("aliked-n16rot", "aliked-n16", "aliked-n32", "aliked-t16")


class KorniaPeer:
    """A network of kornia, in float32.

    Args:
        method: its name.
        detect: from an image to what is in it.
        device: where the network runs.
        max_keypoints: most that are kept.
        weights_id: identity of the method and its weights.
        dimension: length of a descriptor.
    """

    def __init__(
        self, method: str, detect: Detect, *, device: torch.device, max_keypoints: int, weights_id: str, dimension: int
    ) -> None:
        self.config = PeerConfig(method, max_keypoints, f"kornia, {weights_id}, float32")
        self.weights_id = weights_id
        self.bytes_per_keypoint = HALF_BYTES * dimension
        self._detect = detect
        self._device = device

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        with torch.inference_mode():
            picture = torch.as_tensor(image.copy(), device=self._device).permute(2, 0, 1)[None].float() / 255
            found = [part.float().cpu().numpy() for part in self._detect(picture)]
        return strongest_features(*found, image=image, maximum=self.config.max_keypoints, weights_id=self.weights_id)


def load_aliked(path: Path, max_keypoints: int, device: str) -> KorniaPeer:
    """Load ALIKED; the file's name says which of its forms (aliked-n16.pth), n16 where it does not.

    Source: Zhao et al., "ALIKED: A Lighter Keypoint and Descriptor Extraction Network", IEEE TIM 2023.

    Raises:
        PeerMissingError: kornia is not installed.
        WeightsError: the file is damaged or of something else.
    """
    kornia = library_for("aliked", "kornia.feature", _INSTALL)
    form = next((name for name in _ALIKED_NAMES if path.stem.lower().startswith(name)), "aliked-n16")
    network = kornia.ALIKED(form, max_num_keypoints=max_keypoints, detection_threshold=0.0)
    weights_id = load_into(network, path, "aliked", computed=("dkd.hw_grid",))
    network, where = _ready(network, device)

    def detect(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = network(picture)[0]
        return found.keypoints, found.keypoint_scores, found.descriptors

    return _peer("aliked", detect, where, max_keypoints, weights_id)


def load_disk(path: Path, max_keypoints: int, device: str) -> KorniaPeer:
    """Load DISK.

    Source: Tyszkiewicz et al., "DISK: Learning local features with policy gradient", NeurIPS 2020.

    Raises:
        PeerMissingError: kornia is not installed.
        WeightsError: the file is damaged or of something else.
    """
    kornia = library_for("disk", "kornia.feature", _INSTALL)
    network = kornia.DISK()
    weights_id = load_into(network, path, "disk")
    network, where = _ready(network, device)

    def detect(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = network(picture, n=max_keypoints, pad_if_not_divisible=True)[0]
        return found.keypoints, found.detection_scores, found.descriptors

    return _peer("disk", detect, where, max_keypoints, weights_id)


def load_xfeat(path: Path, max_keypoints: int, device: str) -> KorniaPeer:
    """Load XFeat, its sparse form.

    Source: Potje et al., "XFeat: Accelerated Features for Lightweight Image Matching", CVPR 2024.

    Raises:
        PeerMissingError: kornia is not installed.
        WeightsError: the file is damaged or of something else.
    """
    kornia = library_for("xfeat", "kornia.feature", _INSTALL)
    network = kornia.XFeat(top_k=max_keypoints)
    weights_id = load_into(network.net, path, "xfeat")
    network, where = _ready(network, device)

    def detect(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = network.detectAndCompute(picture)[0]
        return found["keypoints"], found["scores"], found["descriptors"]

    return _peer("xfeat", detect, where, max_keypoints, weights_id)


def _ready(network: Any, device: str) -> tuple[Any, torch.device]:
    where = choose_device(device)
    return network.eval().requires_grad_(requires_grad=False).to(where), where


def _peer(method: str, detect: Detect, device: torch.device, max_keypoints: int, weights_id: str) -> KorniaPeer:
    """Measure the length of a descriptor on a small image, and see that the weights give one."""
    texture = torch.rand((1, 3, 96, 96), generator=torch.Generator().manual_seed(0)).to(device)
    with torch.inference_mode():
        dimension = int(detect(texture)[2].shape[-1])
    if dimension < 1:
        raise WeightsError(f"weights {weights_id!r} of {method} give no descriptors; give the published ones")
    return KorniaPeer(
        method, detect, device=device, max_keypoints=max_keypoints, weights_id=weights_id, dimension=dimension
    )
