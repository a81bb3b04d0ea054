# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Matches of pairs of images by descriptors alone; poses judge them later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.map_config import MapConfig
    from sfd2_ros.mapping.match_images import PairMatches, Progress


def pair_matcher(
    features: Sequence[Features], config: MapConfig, progress: Progress
) -> Callable[[Sequence[tuple[int, int]]], PairMatches]:
    """Return a call that matches pairs (i, j) of images; pairs with too few matches are left out."""

    def match(pairs: Sequence[tuple[int, int]]) -> PairMatches:
        matched: PairMatches = {}
        for done, (first, second) in enumerate(pairs):
            progress("match", done, len(pairs))
            found = match_mutual(
                features[first].descriptors, features[second].descriptors, min_similarity=config.min_similarity
            )
            if len(found) >= config.min_matches:
                matched[first, second] = np.column_stack([found.query, found.target]).astype(np.uint32)
        progress("match", len(pairs), len(pairs))
        return matched

    return match
