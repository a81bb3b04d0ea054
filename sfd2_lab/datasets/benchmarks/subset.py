# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map without some of its images: what is left when retrieval may propose only these."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.mapping.map_store import Map


def map_of_images(map_: Map, chosen: Sequence[int]) -> Map:
    """Return a map that knows only chosen images; landmarks keep their numbers and are shared, not copied.

    Args:
        map_: the whole.
        chosen: indices of its images, in the order that the new map is to have.
    """
    landmarks = map_.landmarks
    seen = [landmarks.seen_by(index) for index in chosen]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in seen])]).astype(np.int64)
    joined = np.concatenate([*seen, np.empty(0, np.int32)]).astype(np.int32)
    return dataclasses.replace(
        map_,
        images=tuple(map_.images[index] for index in chosen),
        aggregates=map_.aggregates.taken(chosen),
        landmarks=dataclasses.replace(landmarks, image_offsets=offsets, image_landmarks=joined),
    )
