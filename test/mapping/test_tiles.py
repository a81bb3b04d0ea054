# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles: images that stand near each other, with the landmarks that they see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.tiles import Tiles, in_tiles, tiles_of_places


@given(st.integers(1, 300), st.integers(1, 64), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_tiles_hold_all_places_and_none_too_many(count: int, most: int, seed: int) -> None:
    tile = tiles_of_places(np.random.default_rng(seed).uniform(-9, 9, (count, 3)), most)
    sizes = np.bincount(tile)
    assert len(tile) == count
    assert sizes.min() >= 1
    assert sizes.max() <= most
    assert len(sizes) <= max(1, 2 * -(-count // most))


def test_a_street_is_cut_across_and_images_at_one_place_are_cut_too() -> None:
    street = np.column_stack([np.arange(100.0), np.zeros(100), np.zeros(100)])
    tile = tiles_of_places(street, 25)
    assert tile.tolist() == np.repeat([0, 1, 2, 3], 25).tolist()
    assert np.bincount(tiles_of_places(np.zeros((10, 3)), 4)).max() <= 4


def test_landmarks_in_tiles_are_the_same_landmarks(random_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    map_ = load_map(random_place.map_folder)
    monkeypatch.setattr("sfd2_ros.mapping.tiles.tiles_of_places", lambda places: tiles_of_places(places, 3))
    ordered, tiles = in_tiles(map_.images, map_.landmarks)
    assert len(tiles) == 4
    assert tiles.offsets[-1] == len(ordered) == len(map_.landmarks)
    for index in range(len(map_.images)):
        before, after = map_.landmarks.seen_by(index), ordered.seen_by(index)
        assert np.all(np.diff(after) > 0)
        one, two = np.argsort(map_.landmarks.positions[before, 0]), np.argsort(ordered.positions[after, 0])
        np.testing.assert_array_equal(map_.landmarks.positions[before][one], ordered.positions[after][two])
        np.testing.assert_array_equal(map_.landmarks.descriptors[before][one], ordered.descriptors[after][two])
        np.testing.assert_array_equal(map_.landmarks.keypoints_of(index)[one], ordered.keypoints_of(index)[two])
    of_landmark = tiles.of_rows(np.arange(len(ordered)))
    for row in range(0, len(ordered), 50):
        seeing = [index for index in range(len(map_.images)) if row in ordered.seen_by(index)]
        assert of_landmark[row] in tiles.of_image[seeing]


def test_tiles_that_do_not_belong_together_are_rejected() -> None:
    good = (np.array([0, 3, 5]), np.zeros((2, 3)), np.array([0, 1, 1], np.int32))
    assert Tiles(*good).of_rows(np.array([0, 2, 3, 4])).tolist() == [0, 0, 1, 1]
    for place, wrong in ((0, np.array([0, 3])), (1, np.zeros((2, 2))), (2, np.array([0.0]))):
        with pytest.raises(ValueError, match="do not belong together"):
            Tiles(*[wrong if index == place else one for index, one in enumerate(good)])
