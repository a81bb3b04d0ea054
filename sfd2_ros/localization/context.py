# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every step of a localization needs: the map, where its cameras stood, the settings, the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.mapping.retrieval import aggregate

if TYPE_CHECKING:
    from sfd2_ros.core.types import Features
    from sfd2_ros.localization.candidates import MapViews
    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.mapping.image_index import ImageIndex
    from sfd2_ros.mapping.landmarks import Landmarks
    from sfd2_ros.mapping.map_store import Map


@dataclass(frozen=True, eq=False)
class MapContext:
    """A map and how it is used.

    Attributes:
        map: that is localized in.
        places: where its cameras stood.
        index: what its images look like.
        config: settings.
        device: torch device for matching.
    """

    map: Map
    places: MapViews
    index: ImageIndex
    config: LocalizerConfig
    device: str = "cpu"

    @property
    def landmarks(self) -> Landmarks:
        """The landmarks of the map."""
        return self.map.landmarks

    def similar_images(self, features: Features) -> list[int]:
        """Return indices of the map images that look most like a query, best first."""
        return self.index.most_similar(aggregate(features, self.map.centres), self.config.retrieval.candidates)
