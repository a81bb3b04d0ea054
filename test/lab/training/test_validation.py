# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import torch

from sfd2_lab.training.config import ValidationConfig
from sfd2_lab.training.data.geometry import similarity
from sfd2_lab.training.data.pairs import Pair, View
from sfd2_lab.training.validation import overall, score_pair, unstable_share
from sfd2_ros.core.types import Features


class Pretender:
    """Finds what it is told to, to see whether the figures say so."""

    def __init__(self, first: np.ndarray, second: np.ndarray, order: list[int]) -> None:
        self._found = (first, second)
        self._order = order

    def extract_batch(self, images: list[np.ndarray]) -> list[Features]:
        codes = np.eye(len(self._order), dtype=np.float32)
        return [
            Features(points.astype(np.float32), ones, ones, descriptors, images[0].shape[:2], "test")
            for points, descriptors in zip(self._found, (codes, codes[self._order]), strict=True)
            for ones in [np.ones(len(points), np.float32)]
        ]


@pytest.fixture
def shifted_pair() -> Pair:
    """Two crops, the second 8 pixels to the right; the left half of the view is unstable."""
    classes = torch.full((80, 80), 2, dtype=torch.uint8)
    classes[:, :40] = 0
    view = View(torch.zeros(3, 80, 80, dtype=torch.uint8), classes, classes, torch.zeros(0, 3))
    return Pair((view, view), (torch.eye(3, dtype=torch.float64), similarity(1.0, 0.0, (0.0, 0.0), (8.0, 0.0))))


FIRST = np.array([[20.0, 20.0], [30.0, 40.0], [50.0, 50.0], [7.0, 10.0]])  # the last one is a pixel outside the second


def test_perfect_features_score_perfectly(shifted_pair: Pair) -> None:
    config = ValidationConfig(crop_px=64)
    second = FIRST - [8.0, 0.0]
    second[3] = [0.0, 10.0]  # near its place, but that is not in the picture
    score = score_pair(shifted_pair, Pretender(FIRST, second, [0, 1, 2, 3]), config)  # type: ignore[arg-type]
    assert score.repeatability == 1
    assert score.matching == 1
    assert score.correct == 3
    assert score.precision == 1  # the fourth match has no truth and does not count


def test_wrong_matches_and_missing_keypoints_lower_the_score(shifted_pair: Pair) -> None:
    second = FIRST - [8.0, 0.0]
    second[0] += [0.0, 30.0]
    second[3] = [60.0, 60.0]
    score = score_pair(shifted_pair, Pretender(FIRST, second, [0, 2, 1, 3]), ValidationConfig(crop_px=64))  # type: ignore[arg-type]
    assert score.repeatability == pytest.approx(2 / 3)
    assert score.correct == 0
    assert score.precision == 0


def test_unstable_share_counts_labelled_keypoints_only() -> None:
    classes = np.array([[0, 2, 255, 1]], np.uint8)
    points = np.array([[0.0, 0.0], [1.2, 0.0], [2.0, 0.0], [3.0, 0.0]], np.float32)
    ones = np.ones(4, np.float32)
    features = Features(points, ones, ones, np.eye(4, dtype=np.float32), (1, 4), "test")
    assert unstable_share(features, classes) == pytest.approx(1 / 3)
    assert np.isnan(unstable_share(features, np.full((1, 4), 255, np.uint8)))


def test_overall_rewards_matching_and_punishes_what_is_unstable() -> None:
    figures = {"a/matching": 0.6, "b/matching": 0.4, "a/unstable": 0.1, "b/unstable": float("nan"), "a/correct": 70.0}
    assert overall(figures) == pytest.approx(0.5 - 0.1)
