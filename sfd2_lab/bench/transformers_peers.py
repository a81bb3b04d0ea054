# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SuperPoint of the library transformers, from a folder that the user names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sfd2_lab.bench.peer import HALF_BYTES, PeerConfig, strongest_features
from sfd2_lab.bench.peer_weights import library_for
from sfd2_ros.core.errors import WeightsError
from sfd2_ros.core.files import sha256_of_file
from sfd2_ros.features.device import choose_device

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

_CELL_PX = 8


class SuperPointPeer:
    """SuperPoint, in float32, on gray images as it was trained.

    Source: DeTone et al., "SuperPoint: Self-Supervised Interest Point Detection and Description", CVPRW 2018.

    Args:
        network: transformers' SuperPointForKeypointDetection.
        device: where it runs.
        max_keypoints: most that are kept.
        weights_id: identity of the method and its weights.
    """

    def __init__(self, network: Any, device: torch.device, max_keypoints: int, weights_id: str) -> None:
        self.config = PeerConfig("superpoint", max_keypoints, f"transformers, {weights_id}, float32")
        self.weights_id = weights_id
        self.bytes_per_keypoint = HALF_BYTES * int(network.config.descriptor_decoder_dim)
        self._network = network
        self._device = device

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        with torch.inference_mode():
            picture = torch.as_tensor(image.copy(), device=self._device).permute(2, 0, 1)[None].float() / 255
            height, width = ((side + _CELL_PX - 1) // _CELL_PX * _CELL_PX for side in image.shape[:2])
            padding = (0, width - image.shape[1], 0, height - image.shape[0])
            gray = picture.new_tensor([0.2989, 0.5870, 0.1140]).view(1, 3, 1, 1).mul(picture).sum(1, keepdim=True)
            padded = torch.nn.functional.pad(gray, padding, mode="replicate").expand(-1, 3, -1, -1)
            found = self._network(pixel_values=padded)
            # Its keypoints are shares of the picture's size.
            keypoints = found.keypoints[0] * padded.new_tensor([width, height])
            inside = (keypoints[:, 0] <= image.shape[1] - 1) & (keypoints[:, 1] <= image.shape[0] - 1)
            inside &= found.mask[0].bool()
            parts = [part[inside].cpu().numpy() for part in (keypoints, found.scores[0], found.descriptors[0])]
        return strongest_features(*parts, image=image, maximum=self.config.max_keypoints, weights_id=self.weights_id)


def load_superpoint(folder: Path, max_keypoints: int, device: str) -> SuperPointPeer:
    """Load SuperPoint from a folder with config.json and model.safetensors.

    Raises:
        PeerMissingError: transformers is not installed.
        WeightsError: the folder lacks a part, or holds something else.
    """
    library = library_for("superpoint", "transformers", "pip install transformers")
    weights = folder / "model.safetensors"
    if not (folder / "config.json").is_file() or not weights.is_file():
        raise WeightsError(
            f"weights of superpoint {str(folder)!r} must be a folder with config.json and model.safetensors, as "
            "transformers' save_pretrained writes it"
        )
    try:
        network, loading = library.SuperPointForKeypointDetection.from_pretrained(
            str(folder),
            use_safetensors=True,
            local_files_only=True,
            max_keypoints=-1,  # the budget is cut after what lies in the padding is gone
            output_loading_info=True,
        )
    except Exception as err:  # whatever the library makes of a damaged file
        reason = (str(err).splitlines() or [type(err).__name__])[0]
        raise WeightsError(f"weights of superpoint {str(folder)!r} cannot be loaded: {reason}") from err
    lacking = sorted(loading["missing_keys"]) + sorted(loading["mismatched_keys"])
    if lacking:
        raise WeightsError(
            f"weights of superpoint {str(folder)!r} lack {lacking[0]} and others; give the published ones"
        )
    where = choose_device(device)
    weights_id = f"superpoint-{sha256_of_file(weights)[:12]}"
    return SuperPointPeer(network.eval().to(where), where, max_keypoints, weights_id)
