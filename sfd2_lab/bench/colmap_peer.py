# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SIFT of COLMAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from sfd2_lab.bench.peer import PeerConfig, strongest_features
from sfd2_ros.mapping.colmap_sift import ColmapSift

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features


class ColmapSiftPeer:
    """COLMAP's SIFT; its strongest keypoints are those of the largest scale, as COLMAP itself chooses them.

    Args:
        max_keypoints: most that are kept; two orientations of one spot count apart.
    """

    weights_id = "sift-colmap-128d"
    bytes_per_keypoint = 128

    def __init__(self, max_keypoints: int) -> None:
        self.config = PeerConfig("sift-colmap", max_keypoints, "pycolmap, its defaults")
        self._sift = ColmapSift(max_keypoints)

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        found = self._sift(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        return strongest_features(
            found.keypoints,
            found.scales_px,
            found.descriptors,
            image=image,
            maximum=self.config.max_keypoints,
            weights_id=self.weights_id,
        )
