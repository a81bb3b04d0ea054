# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.types import Features
from sfd2_ros.features.images import read_image
from sfd2_ros.features.overlay import draw_features, write_png


def make_features(keypoints: list[tuple[float, float]], stability: list[float]) -> Features:
    count = len(keypoints)
    return Features(
        keypoints=np.array(keypoints, np.float32).reshape(count, 2),
        scores=np.linspace(1, 0.5, count, dtype=np.float32),
        stability=np.array(stability, np.float32),
        descriptors=np.ones((count, 1), np.float32),
        image_size=(240, 320),
        weights_id="w",
    )


@pytest.mark.parametrize(
    ("stability", "strongest_channel"), [(1.0, 2), (0.1, 0)], ids=["long-term is blue", "unstable is red"]
)
def test_keypoint_has_the_colour_of_its_stability(stability: float, strongest_channel: int) -> None:
    drawn = draw_features(np.zeros((240, 320, 3), np.uint8), make_features([(200.0, 150.0)], [stability]))
    around = drawn[140:161, 190:211].reshape(-1, 3).max(0)
    assert around.argmax() == strongest_channel
    assert around.max() > 100
    assert not drawn[100:135].any()


def test_image_that_was_given_stays_as_it_was() -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    drawn = draw_features(image, make_features([(200.0, 150.0)], [0.5]))
    assert (image == 90).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8


def test_gray_is_drawn_upon_too() -> None:
    assert draw_features(np.zeros((240, 320), np.uint8), make_features([], [])).shape == (240, 320, 3)


@pytest.mark.parametrize("size", [(1, 1), (7, 500), (30, 20)])
def test_tiny_images_are_drawn_without_a_crash(size: tuple[int, int]) -> None:
    drawn = draw_features(np.zeros((*size, 3), np.uint8), make_features([(0.0, 0.0)], [1.0]))
    assert drawn.shape == (*size, 3)


def test_written_picture_is_read_back(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    write_png(tmp_path / "deep" / "a.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "deep" / "a.png"), image)
