# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features kept on disk while a map is being made, so that an interruption does not cost hours of extraction."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.types import Features

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.features.extractor import Extractor

_ARRAYS = ("keypoints", "scores", "stability", "descriptors")


class CachedExtractor:
    """An extractor that looks first whether it has seen an image's pixels before.

    Args:
        extractor: that does the work.
        folder: for one file an image, named by the pixels' checksum; all of one extractor.
    """

    def __init__(self, extractor: Extractor, folder: Path) -> None:
        self._extractor, self._folder = extractor, folder

    @property
    def weights_id(self) -> str:
        """Identity of the weights."""
        return self._extractor.weights_id

    @property
    def config(self) -> Any:
        """Settings of the extraction."""
        return self._extractor.config

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Return the features of an (H, W, 3) uint8 RGB image."""
        digest = hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
        path = self._folder / f"{digest}.npz"
        known = self._read(path, (int(image.shape[0]), int(image.shape[1])))
        if known is not None:
            return known
        features = self._extractor(image)
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **{name: getattr(features, name) for name in _ARRAYS})
        return features

    def _read(self, path: Path, size: tuple[int, int]) -> Features | None:
        if not path.is_file():
            return None
        try:
            with np.load(path) as arrays:
                keypoints, scores, stability, descriptors = (arrays[name] for name in _ARRAYS)
                return Features(keypoints, scores, stability, descriptors, size, self.weights_id)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None  # a full disk left a damaged file; it is made again
