# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras that are mounted on their side or upside down."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features import Extractor, ExtractorConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("is_gray", [False, True])
def test_a_turned_image_has_the_features_of_the_upright_one_at_its_own_pixels(
    exact_extractor: Extractor, texture: NDArray[np.uint8], turns: int, *, is_gray: bool
) -> None:
    upright = texture[:61, :97, 0] if is_gray else texture[:61, :97]
    config = exact_extractor.config
    expected = exact_extractor(upright)
    stored = np.ascontiguousarray(np.rot90(upright, turns))  # counter-clockwise, so it must be turned back clockwise
    try:
        exact_extractor.config = dataclasses.replace(config, rotate_deg=90 * turns)
        found = exact_extractor(stored)
    finally:
        exact_extractor.config = config
    assert found.image_size == stored.shape[:2]
    assert len(found) == len(expected) > 20
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)
    np.testing.assert_array_equal(found.scores, expected.scores)
    # The pixel of the stored image that each keypoint's pixel of the upright one came from.
    height, width = upright.shape[:2]
    places = np.rot90(np.arange(height * width).reshape(height, width), turns)
    x, y = np.round(found.keypoints).astype(int).T
    expected_x, expected_y = np.round(expected.keypoints).astype(int).T
    same = places[y, x] == expected_y * width + expected_x
    assert same.mean() > 0.95  # halves round either way


@pytest.mark.parametrize("rotate_deg", [45, -90, 360])
def test_other_angles_are_refused(rotate_deg: int, exact_extractor: Extractor) -> None:
    from sfd2_ros.core.config import check_config  # noqa: PLC0415

    with pytest.raises(ConfigError, match=r"'rotate_deg' is .*; allowed: 0, 90, 180, 270"):
        check_config(dataclasses.replace(exact_extractor.config, rotate_deg=rotate_deg))
    assert ExtractorConfig().rotate_deg == 0
