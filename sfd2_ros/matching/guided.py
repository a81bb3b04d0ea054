# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Matches near where a pose says they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.types import Matches

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ELEMENTS_AT_ONCE = 16_000_000


def match_guided(
    keypoints: NDArray[np.floating],
    descriptors: NDArray[np.float32],
    projections: NDArray[np.floating],
    landmark_descriptors: NDArray[np.floating],
    *,
    radius_px: float,
    min_similarity: float,
    device: str = "cpu",
) -> Matches:
    """Match mutually nearest descriptors among pairs that lie within a radius of each other.

    Args:
        keypoints: (N, 2) pixels.
        descriptors: (N, D) of length one.
        projections: (L, 2) pixels where landmarks are expected; NaN rows match nothing.
        landmark_descriptors: (L, D) of length one, any float type.
        radius_px: largest distance between keypoint and projection.
        min_similarity: smallest cosine.
        device: of the computation.

    Returns:
        Matches of keypoints (query) with landmarks (target), each at most once.
    """
    empty = np.empty(0, np.int64)
    if len(keypoints) == 0 or len(projections) == 0:
        return Matches(empty, empty, np.empty(0, np.float32))
    query = torch.as_tensor(descriptors, dtype=torch.float32, device=device)
    where = torch.as_tensor(np.asarray(keypoints), dtype=torch.float32, device=device)
    count = len(keypoints)
    best_landmark = torch.full((count,), -1, dtype=torch.int64, device=device)
    best_similarity = torch.full((count,), min_similarity, dtype=torch.float32, device=device)
    best_keypoint = torch.empty(len(projections), dtype=torch.int64, device=device)
    step = max(1, _ELEMENTS_AT_ONCE // count)
    for start in range(0, len(projections), step):
        part = slice(start, start + step)
        expected = torch.as_tensor(np.asarray(projections[part]), dtype=torch.float32, device=device)
        target = torch.as_tensor(np.asarray(landmark_descriptors[part], np.float32), device=device)
        similarity = query @ target.T
        # NaN compares false: landmarks behind the camera match nothing.
        near = torch.cdist(where, expected, compute_mode="donot_use_mm_for_euclid_dist") <= radius_px
        similarity = torch.where(near, similarity, torch.full_like(similarity, -2.0))
        best_keypoint[part] = similarity.argmax(dim=0)
        part_similarity, part_landmark = similarity.max(dim=1)
        better = part_similarity > best_similarity
        best_similarity = torch.where(better, part_similarity, best_similarity)
        best_landmark = torch.where(better, part_landmark + start, best_landmark)
    index = torch.arange(count, device=device)
    mutual = (best_landmark >= 0) & (best_keypoint[best_landmark.clamp(min=0)] == index)
    return Matches(
        index[mutual].cpu().numpy(), best_landmark[mutual].cpu().numpy(), best_similarity[mutual].cpu().numpy()
    )
