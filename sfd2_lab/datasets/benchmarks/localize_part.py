# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Localizes the queries of one place, with retrieval among the images of their camera or among published pairs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.answers import Answer
from sfd2_lab.datasets.benchmarks.paper_procedure import PaperLocalizer
from sfd2_lab.datasets.benchmarks.subset import map_of_images
from sfd2_ros.core.errors import ImageError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localized, Localizer
from sfd2_ros.mapping.image_index import ImageIndex
from sfd2_ros.mapping.retrieval import aggregate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.datasets.benchmarks.benchmark import Part, Query
    from sfd2_lab.datasets.benchmarks.procedures import Procedure
    from sfd2_ros.core.types import Features
    from sfd2_ros.features.extractor import Extractor
    from sfd2_ros.mapping.map_store import Map


class PartLocalizer:
    """Localizes queries in the map of their place.

    Args:
        part: the place.
        map_: of it.
        extractor: of features.
        procedure: settings.
        pairs: references of each query, best first; None for our retrieval.
    """

    def __init__(
        self,
        part: Part,
        map_: Map,
        extractor: Extractor,
        procedure: Procedure,
        pairs: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self._part, self._map, self._extractor, self._pairs = part, map_, extractor, pairs
        self._procedure, self._device = procedure, str(extractor.device)
        self._index = {image.name: number for number, image in enumerate(map_.images)}
        self._paper = None if procedure.paper is None else PaperLocalizer(map_, procedure.paper, self._device)
        self._localizers: dict[str, Localizer] = {}

    def localize(self, query: Query) -> Answer:
        """Return the answer to a query; an image that cannot be decoded is answered too."""
        start = time.perf_counter()
        try:
            features = self._extractor(read_image(self._part.query_folder / query.name))
        except ImageError:
            return Answer("bad_image", None, 0, (time.perf_counter() - start, 0.0))
        extracted = time.perf_counter()
        status, pose, inliers = self._pose(query, features)
        return Answer(status, pose, inliers, (extracted - start, time.perf_counter() - extracted))

    def _pose(self, query: Query, features: Features) -> tuple[str, NDArray[np.float64] | None, int]:
        given = self._given(query)
        if not given:
            return "no_candidates", None, 0
        if self._paper is not None and self._procedure.paper is not None:
            candidates = given
            if self._pairs is None:
                chosen = map_of_images(self._map, given)
                candidates = [given[k] for k in _similar(chosen, features, self._procedure.paper.candidates)]
            found = self._paper.localize(features, query.camera, candidates)
            return found.status, found.cam_from_map, found.num_inliers
        estimate = self._localizer(query, given).localize(features, query.camera)
        pose = inverse(estimate.map_from_cam) if isinstance(estimate, Localized) else None
        return estimate.status.value, pose, estimate.evidence.num_inliers

    def _given(self, query: Query) -> list[int]:
        """Return the reference images that may be proposed for a query."""
        if self._pairs is not None:
            return [self._index[name] for name in self._pairs[query.name] if name in self._index]
        return [
            number
            for name, number in self._index.items()
            if not query.view or self._part.views.get(name, "") == query.view
        ]

    def _localizer(self, query: Query, given: list[int]) -> Localizer:
        key = query.name if self._pairs is not None else query.view
        if key not in self._localizers:
            if self._pairs is not None:
                self._localizers.clear()  # every query has its own: keep the last only
            chosen = map_of_images(self._map, given)
            self._localizers[key] = Localizer(chosen, self._procedure.localizer, device=self._device)
        return self._localizers[key]


def _similar(map_: Map, features: Features, count: int) -> list[int]:
    """Return indices of the images of a map that look most like a query, best first."""
    return ImageIndex(map_.aggregates).most_similar(aggregate(features, map_.centres), count)
