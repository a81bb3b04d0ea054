# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of an image are extracted once, whatever a killed build left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Features
from sfd2_ros.mapping.feature_cache import CachedExtractor

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _Settings:
    max_keypoints: int = 10


@dataclass
class _Counting:
    """An extractor that counts its calls."""

    weights_id: str = "w"
    config: _Settings = field(default_factory=_Settings)
    calls: int = 0

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        self.calls += 1
        ones = np.ones(2, np.float32)
        keypoints = np.array([[1, 2], [3, float(image[0, 0, 0])]], np.float32)
        return Features(keypoints, ones, ones, np.eye(2, 4, dtype=np.float32), image.shape[:2], self.weights_id)


IMAGE = np.full((8, 9, 3), 7, np.uint8)


def test_an_image_that_was_seen_is_not_extracted_again(tmp_path: Path) -> None:
    counting = _Counting()
    cached = CachedExtractor(counting, tmp_path)
    first, second = cached(IMAGE), cached(IMAGE)
    assert counting.calls == 1
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    assert (second.image_size, second.weights_id) == ((8, 9), "w")
    cached(IMAGE + 1)
    assert counting.calls == 2


def test_other_weights_and_settings_have_features_of_their_own(tmp_path: Path) -> None:
    CachedExtractor(_Counting(), tmp_path)(IMAGE)
    for other in (_Counting(weights_id="v"), _Counting(config=_Settings(20))):
        CachedExtractor(other, tmp_path)(IMAGE)
        assert other.calls == 1


def test_a_damaged_file_is_extracted_again(tmp_path: Path) -> None:
    CachedExtractor(_Counting(), tmp_path)(IMAGE)
    (path,) = tmp_path.iterdir()
    for content in (b"", path.read_bytes()[:100], b"no archive"):
        path.write_bytes(content)
        counting = _Counting()
        CachedExtractor(counting, tmp_path)(IMAGE)
        assert counting.calls == 1
