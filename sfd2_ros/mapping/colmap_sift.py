# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP's own SIFT, as most maps of other people are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pycolmap

from sfd2_ros.geometry.colmap_types import keypoints_from_colmap

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ColmapSiftFound(NamedTuple):
    """What COLMAP found in an image.

    Attributes:
        keypoints: (N, 2) float64 x and y in pixels, our pixel centre.
        scales_px: (N,) float64; COLMAP keeps the largest.
        descriptors: (N, 128) float32 square roots of histograms, about of length one.
    """

    keypoints: NDArray[np.float64]
    scales_px: NDArray[np.float64]
    descriptors: NDArray[np.float32]


class ColmapSift:
    """COLMAP's SIFT on the CPU, with its defaults.

    Args:
        max_keypoints: COLMAP stops at the scale at which it has as many, so that it may return some more.
    """

    def __init__(self, max_keypoints: int) -> None:
        options = pycolmap.FeatureExtractionOptions()
        options.use_gpu = False
        options.sift.max_num_features = max_keypoints
        self._extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)

    def __call__(self, gray: NDArray[np.uint8]) -> ColmapSiftFound:
        """Find keypoints in an (H, W) uint8 image."""
        keypoints, descriptors = self._extractor.extract_from_uint8_array(np.ascontiguousarray(gray))
        table = np.array([(one.x, one.y, one.compute_scale()) for one in keypoints], np.float64).reshape(-1, 3)
        # COLMAP rounds roots of histograms to 1/512, and 8 bits.
        rows = np.asarray(np.asarray(descriptors.data).reshape(len(table), 128) / 512, np.float32)
        return ColmapSiftFound(keypoints_from_colmap(table[:, :2]), table[:, 2], rows)
