# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features kept in a folder by the content of their image, so that a build that was killed continues with them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.types import Features

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.match_images import FeatureExtractor

_ARRAYS = ("keypoints", "scores", "stability", "descriptors")


class CachedExtractor:
    """An extractor that looks first whether it has seen an image.

    Args:
        extractor: that extracts what was not seen.
        folder: of the features; made when missing.
    """

    def __init__(self, extractor: FeatureExtractor, folder: Path) -> None:
        self._extractor, self._folder = extractor, folder
        settings = json.dumps(dataclasses.asdict(extractor.config), sort_keys=True)
        self._key = f"{extractor.weights_id} {settings}".encode()

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
        digest = hashlib.sha256(self._key + str(image.shape).encode() + np.ascontiguousarray(image).tobytes())
        path = self._folder / f"{digest.hexdigest()}.npz"
        kept = _read(path, image.shape[:2], self.weights_id)
        if kept is not None:
            return kept
        features = self._extractor(image)
        with atomic_file(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **{name: getattr(features, name) for name in _ARRAYS})
        return features


def _read(path: Path, size: tuple[int, int], weights_id: str) -> Features | None:
    """Return features from a file; None where there is none, or one that is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Features(**{name: file[name] for name in _ARRAYS}, image_size=size, weights_id=weights_id)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
