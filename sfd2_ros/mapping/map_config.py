# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of map building."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting

MAX_GROWTH = 1.4
"""Landmarks and images of a merged map, as a multiple of those of one session. The size in bytes is then at most 1.5
times as large, since a map has other parts too."""


@dataclass(frozen=True)
class MapConfig:
    """Settings of map building; a map's manifest keeps them."""

    exhaustive_up_to: int = setting(40, "Match all pairs when there are at most this many images.", minimum=2)
    similar_per_image: int = setting(15, "Pairs of each image with those that look most like it.", minimum=1)
    near_per_image: int = setting(10, "Pairs of each image with the nearest that look the same way.", minimum=0)
    min_matches: int = setting(15, "A pair with fewer matches is dropped.", minimum=5)
    min_similarity: float = setting(
        0.0, "Matches whose descriptors are less alike (cosine) are dropped.", minimum=-1.0, maximum=1.0
    )
    max_epipolar_error_px: float = setting(4.0, "Matches further from the epipolar line are dropped.", minimum=0.1)
    max_landmark_error_px: float = setting(3.0, "Landmarks with a larger mean reprojection error go.", minimum=0.1)
    descriptor_bits: int = setting(
        3, "Bits of each component of a landmark's descriptor in the map.", minimum=1, maximum=4
    )
    retrieval_centres: int = setting(64, "Centres of the image index; its size grows with them.", minimum=1)
    refine_poses: bool = setting(False, "Adjust given poses together with the points.")
    check_poses: bool = setting(True, "Reject given poses and intrinsics that do not explain the images.")
    max_median_depth_m: float = setting(
        1000.0,
        "Reject given poses under which half of the landmarks lie farther from the cameras: millimetres, mostly.",
        minimum=1.0,
    )
