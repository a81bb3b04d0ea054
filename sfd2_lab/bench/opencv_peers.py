# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SIFT and ORB of OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_lab.bench.peer import PeerConfig, strongest_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

# COLMAP's peak threshold (0.02 over the layers of an octave); OpenCV's default of 0.04 leaves the budget unfilled.
_SIFT_CONTRAST = 0.02
# ORB-SLAM's lower threshold; the strongest corners by Harris are kept all the same.
_ORB_FAST = 7


class SiftPeer:
    """SIFT with the square root of its descriptors (RootSIFT), whose cosine is Hellinger's kernel.

    Source: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004; Arandjelovic and Zisserman,
    "Three things everyone should know to improve object retrieval", CVPR 2012.

    Args:
        max_keypoints: most that are kept; several orientations of one spot count apart.
    """

    weights_id = "sift-opencv-128d"
    bytes_per_keypoint = 128

    def __init__(self, max_keypoints: int) -> None:
        self.config = PeerConfig("sift", max_keypoints, f"OpenCV {cv2.__version__}, contrast {_SIFT_CONTRAST}, root")
        self._detector = _make_sift(max_keypoints)

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        found, descriptors = self._detector.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None)
        histograms = np.zeros((0, 128), np.float32) if descriptors is None else descriptors
        sums = np.maximum(histograms.sum(axis=1, keepdims=True), 1e-9)
        return strongest_features(
            *_places(found),
            np.sqrt(histograms / sums),
            image=image,
            maximum=self.config.max_keypoints,
            weights_id=self.weights_id,
        )


class OrbPeer:
    """ORB, its 256 bits as numbers of one length and either sign.

    The cosine of two such descriptors is 1 - h / 128 with the Hamming distance h, so that nearest neighbours by cosine
    are exactly those by Hamming distance, and one pipeline serves all methods. A landmark's descriptor is the mean of
    its observations, whose cosine with a query falls with the mean Hamming distance to them. What is counted as its
    size stays 32 bytes; times of matching are those of the float path, not of Hamming's.

    Source: Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.

    Args:
        max_keypoints: most that are kept.
    """

    weights_id = "orb-opencv-256b"
    bytes_per_keypoint = 32

    def __init__(self, max_keypoints: int) -> None:
        self.config = PeerConfig("orb", max_keypoints, f"OpenCV {cv2.__version__}, FAST threshold {_ORB_FAST}")
        self._detector: Any = cv2.ORB.create(nfeatures=max_keypoints, fastThreshold=_ORB_FAST)

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        found, packed = self._detector.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None)
        return strongest_features(
            *_places(found),
            signs_of_bits(np.zeros((0, 32), np.uint8) if packed is None else packed),
            image=image,
            maximum=self.config.max_keypoints,
            weights_id=self.weights_id,
        )


def signs_of_bits(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 8 B) numbers +1 and -1 of (N, B) bytes."""
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def _places(found: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (N, 2) pixels and (N,) responses of OpenCV's keypoints."""
    pixels = np.array([one.pt for one in found], np.float64).reshape(-1, 2)
    return pixels, np.array([one.response for one in found], np.float64)


def _make_sift(max_keypoints: int) -> Any:
    try:
        # Without it all keypoints lie a quarter of a pixel off (OpenCV 4.8 and later can).
        return cv2.SIFT.create(nfeatures=max_keypoints, contrastThreshold=_SIFT_CONTRAST, enable_precise_upscale=True)
    except (TypeError, cv2.error):
        return cv2.SIFT.create(nfeatures=max_keypoints, contrastThreshold=_SIFT_CONTRAST)
