# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our own features as one method among others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.bench.peer import HALF_BYTES, PeerConfig
from sfd2_ros.features import ExtractorConfig, load_extractor

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

_NO_LIMIT_PX = 1 << 16


class OwnPeer:
    """SFD2 as this package extracts it, at the images' full size as all peers.

    Args:
        max_keypoints: most that are kept.
        weights: None for those that ship.
        device: where the network runs.
    """

    def __init__(self, max_keypoints: int, weights: Path | None, device: str) -> None:
        config = ExtractorConfig(max_keypoints=max_keypoints, max_side_px=_NO_LIMIT_PX)
        self._extractor = load_extractor(weights, device, config=config)
        self.weights_id = self._extractor.weights_id
        self.bytes_per_keypoint = HALF_BYTES * self._extractor.dimension
        precision = str(self._extractor.precision.dtype).removeprefix("torch.")
        self.config = PeerConfig("sfd2", max_keypoints, f"{self.weights_id}, {precision}")

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        return self._extractor(image)
