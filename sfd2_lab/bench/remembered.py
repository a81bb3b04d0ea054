# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features that are extracted once, for any number of pipelines."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import FeatureExtractor


class RememberedFeatures:
    """An extractor that extracts an image once, so that both pipelines see the same features at no cost of time."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        """Wrap an extractor; `seconds` gets the time of each extraction."""
        self._extractor = extractor
        self._known: dict[bytes, Features] = {}
        self.seconds: list[float] = []

    @property
    def weights_id(self) -> str:
        """Identity of the weights."""
        return self._extractor.weights_id

    @property
    def config(self) -> Any:
        """Settings of the extraction."""
        return self._extractor.config

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract, or remember, the features of an image."""
        key = hashlib.sha256(image.tobytes() + str(image.shape).encode()).digest()
        if key not in self._known:
            start = time.perf_counter()
            self._known[key] = self._extractor(image)
            self.seconds.append(time.perf_counter() - start)
        return self._known[key]
