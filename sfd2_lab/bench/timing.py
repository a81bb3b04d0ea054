# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Extraction with its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_ros.core.types import Features


def extract_timed(peer: Peer, image: NDArray[np.uint8]) -> tuple[Features, float]:
    """Return the features of an image (H, W, 3) and the seconds it took, with copies to and from the device."""
    start = time.perf_counter()
    features = peer(image)
    return features, time.perf_counter() - start


def extract_all(
    peer: Peer, images: Sequence[NDArray[np.uint8]], on_done: Callable[[int], None]
) -> tuple[list[Features], float]:
    """Return the features of images (H, W, 3), and the median milliseconds of an extraction after one to warm up.

    Args:
        peer: the method.
        images: at least one.
        on_done: called with the number of images done.
    """
    peer(images[0])
    features, seconds = [], []
    for done, image in enumerate(images, start=1):
        one, duration = extract_timed(peer, image)
        features.append(one)
        seconds.append(duration)
        on_done(done)
    return features, 1000 * float(np.median(seconds))
