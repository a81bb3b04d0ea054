# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which map images look like this one: aggregates of our own local descriptors (VLAD), nothing to download.

Source: Jegou et al., "Aggregating local descriptors into a compact image representation", CVPR 2010; residuals
normalised per centre and power-normalised as in Arandjelovic and Zisserman, "All about VLAD", CVPR 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.quantised_rows import QuantisedRows

_KMEANS_ROUNDS = 12
"""Assignments change little after ten. Not tuned."""
_KMEANS_SAMPLES = 40_000
"""Descriptors that centres are learnt from: hundreds a centre, in seconds. Not tuned."""
_SOFTNESS = 0.05
"""Temperature of the soft assignment to the two nearest centres, in cosine similarity. Not tuned."""


def learn_centres(features: Sequence[Features], count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Cluster the descriptors of a map by spherical k-means.

    Args:
        features: of the map's images.
        count: number of centres; fewer are made when there are fewer descriptors.
        seed: of the sampling, so that one map is always built alike.

    Returns:
        (K, D) float32 centres of length one.
    """
    generator = np.random.default_rng(seed)
    descriptors = np.concatenate([one.descriptors for one in features])
    if len(descriptors) > _KMEANS_SAMPLES:
        descriptors = descriptors[np.sort(generator.choice(len(descriptors), _KMEANS_SAMPLES, replace=False))]
    count = min(count, len(descriptors))
    centres = descriptors[generator.choice(len(descriptors), count, replace=False)].copy()
    for _ in range(_KMEANS_ROUNDS):
        nearest = np.argmax(descriptors @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, descriptors)
        filled = np.linalg.norm(sums, axis=1) > 0
        centres[filled] = sums[filled] / np.linalg.norm(sums[filled], axis=1, keepdims=True)
    return centres


def aggregate(features: Features, centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe a whole image by its local descriptors.

    Descriptors count by their stability, so that cars and sky do not decide which place an image shows.

    Args:
        features: of the image.
        centres: (K, D) of the map.

    Returns:
        (K * D,) float32 of length one; zeros when there are no features.
    """
    if len(features) == 0:
        return np.zeros(centres.size, np.float32)
    similarity = features.descriptors @ centres.T
    # The two nearest centres share a descriptor: near a border the assignment would otherwise flip with the light.
    nearest = np.argpartition(-similarity, min(1, len(centres) - 1), axis=1)[:, :2]
    chosen = np.take_along_axis(similarity, nearest, axis=1)
    weights = np.exp((chosen - chosen.max(axis=1, keepdims=True)) / _SOFTNESS)
    weights *= (features.stability / weights.sum(axis=1))[:, None]
    shares = np.zeros_like(similarity)
    np.put_along_axis(shares, nearest, weights, axis=1)
    sums = shares.T @ features.descriptors - shares.sum(axis=0)[:, None] * centres
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    flat: NDArray[np.float32] = sums.reshape(-1)
    flat = flat / np.maximum(np.linalg.norm(flat), 1e-9)
    return flat.astype(np.float32)


def most_similar(
    query: NDArray[np.float32], images: NDArray[np.float32] | QuantisedRows, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rank map images by similarity to a query.

    Args:
        query: (G,) aggregate of the query.
        images: (I, G) aggregates of the map's images.
        count: how many to return at the most.

    Returns:
        Indices (C,) int64 of the images, best first, and their similarities (C,) float32.
    """
    similarity = images @ query if isinstance(images, np.ndarray) else images.similarity(query)
    best = np.argsort(-similarity, kind="stable")[:count]
    return best.astype(np.int64), similarity[best].astype(np.float32)
