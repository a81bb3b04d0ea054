# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map without some of its images: what is left when retrieval may propose only these."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.mapping.map_store import Map


def map_of_images(map_: Map, chosen: Sequence[int]) -> Map:
    """Return a map of chosen images only; landmarks keep their numbers and are shared, not copied.

    Args:
        map_: the whole.
        chosen: indices of its images, in the order that the new map is to have.
    """
    return dataclasses.replace(
        map_,
        images=tuple(map_.images[index] for index in chosen),
        aggregates=map_.aggregates.taken(chosen),
        landmarks=map_.landmarks.of_images(chosen),
        tiles=dataclasses.replace(map_.tiles, of_image=map_.tiles.of_image[list(chosen)]),
    )
