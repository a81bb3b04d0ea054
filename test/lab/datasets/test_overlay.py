# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_lab.datasets.overlay import find_overlay
from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frame(brightness: float, seed: int) -> NDArray[np.uint8]:
    """Return a street under some light, with a name painted over it."""
    wall = np.random.default_rng(0).uniform(40, 220, (24, 40, 1)).repeat(5, 0).repeat(5, 1).repeat(3, 2)
    noise = np.random.default_rng(seed).normal(0, 3, wall.shape)
    image = (wall * brightness + noise).clip(0, 255).astype(np.uint8)
    cv2.putText(image, "CITY", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
    cv2.putText(image, "CITY", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 1)
    return image


def test_text_is_found_and_the_street_is_not() -> None:
    day = [frame(1.0 - 0.05 * index, index) for index in range(5)]
    night = [frame(0.2 + 0.05 * index, 10 + index) for index in range(5)]
    found = find_overlay(day, night)
    text = np.zeros((120, 200, 3), np.uint8)
    cv2.putText(text, "CITY", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
    assert found[text[:, :, 0] > 0].mean() > 0.9
    assert found[60:].mean() < 0.02


def test_missing_lights_and_other_sizes_are_refused() -> None:
    with pytest.raises(SceneError, match="by night"):
        find_overlay([frame(1.0, 0)], [])
    with pytest.raises(SceneError, match="one size"):
        find_overlay([frame(1.0, 0)], [frame(0.2, 0)[:-2]])
