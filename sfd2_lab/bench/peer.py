# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A method of local features as the bench sees it: images in, our `Features` out, whatever library is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sfd2_ros.core.errors import Sfd2Error
from sfd2_ros.core.types import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF_BYTES = 2
"""Of a value of a learned descriptor: messages hold them in float16."""


class PeerMissingError(Sfd2Error):
    """A method cannot run here: its library or its weights are not available; the message has the remedy."""


@dataclass(frozen=True)
class PeerConfig:
    """What a map remembers of the method that made its features.

    Attributes:
        method: name of the method.
        max_keypoints: most keypoints that are kept of an image.
        settings: of the library, in words.
    """

    method: str
    max_keypoints: int
    settings: str


class Peer(Protocol):
    """A method; map building and localization take it like `features.Extractor`."""

    @property
    def weights_id(self) -> str:
        """Identity of the method and its weights."""
        ...

    @property
    def config(self) -> PeerConfig:
        """What a map remembers of it."""
        ...

    @property
    def bytes_per_keypoint(self) -> int:
        """Bytes of one descriptor as the method has it: bits for ORB, uint8 for SIFT, float16 for learned ones."""
        ...

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        ...


def strongest_features(
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    descriptors: NDArray[np.floating],
    *,
    image: NDArray[np.uint8],
    maximum: int,
    weights_id: str,
) -> Features:
    """Make `Features` of what a library found: strongest first, within the budget, descriptors of length one.

    Args:
        keypoints: (N, 2) x and y in pixels, the centre of the top-left pixel at (0, 0).
        scores: (N,), the larger the stronger.
        descriptors: (N, D); keypoints whose descriptor is zero or not finite are dropped.
        image: that they were found in.
        maximum: most keypoints that are kept.
        weights_id: identity of the method.

    Returns:
        Features whose stability is one everywhere: peers say nothing about it.
    """
    lengths = np.linalg.norm(descriptors, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0) & np.isfinite(scores) & np.isfinite(keypoints).all(axis=1)
    chosen = np.flatnonzero(usable)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:maximum]
    return Features(
        keypoints=np.asarray(keypoints[chosen], np.float32),
        scores=np.asarray(scores[chosen], np.float32),
        stability=np.ones(len(chosen), np.float32),
        descriptors=np.asarray(descriptors[chosen] / lengths[chosen, None], np.float32),
        image_size=(int(image.shape[0]), int(image.shape[1])),
        weights_id=weights_id,
    )
