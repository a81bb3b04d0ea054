# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which images are matched, and which look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Features
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.match_images import choose_pairs
from sfd2_ros.mapping.pairs import exhaustive_pairs, near_pairs, similar_pairs
from sfd2_ros.mapping.retrieval import aggregate, learn_centres, most_similar


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def _features(descriptors: np.ndarray, stability: np.ndarray | None = None) -> Features:
    count = len(descriptors)
    ones = np.ones(count, np.float32)
    stable = ones if stability is None else stability.astype(np.float32)
    return Features(np.zeros((count, 2), np.float32), ones, stable, descriptors.astype(np.float32), (10, 10), "id")


@pytest.mark.parametrize(("count", "pairs"), [(0, 0), (1, 0), (2, 1), (5, 10)])
def test_exhaustive_pairs_are_all(count: int, pairs: int) -> None:
    found = exhaustive_pairs(count)
    assert len(set(found)) == pairs
    assert all(first < second for first, second in found)


@given(st.integers(1, 12), st.integers(1, 14), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_similar_pairs_are_those_of_brute_force(count: int, per_image: int, seed: int) -> None:
    rows = _unit(np.random.default_rng(seed).normal(size=(count, 8)))
    likeness = rows @ rows.T
    expected = set()
    for i in range(count):
        others = sorted((j for j in range(count) if j != i), key=lambda j: -likeness[i, j])
        expected |= {(min(i, j), max(i, j)) for j in others[:per_image]}
    assert similar_pairs(rows, per_image) == sorted(expected)


def _line(count: int, *, backwards: tuple[int, ...] = ()) -> list[np.ndarray]:
    turned = rotation_from_vector([0, np.pi, 0])
    return [inverse(rigid(turned if i in backwards else np.eye(3), [i, 0, 0])) for i in range(count)]


def test_near_pairs_are_neighbours_on_a_line() -> None:
    assert near_pairs(_line(5), 1) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert near_pairs(_line(4), 99) == exhaustive_pairs(4)


def test_images_that_look_the_other_way_make_no_pair() -> None:
    pairs = near_pairs(_line(6, backwards=(2, 3)), 2)
    assert (2, 3) in pairs
    assert not [pair for pair in pairs if len({2, 3} & set(pair)) == 1]


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_images_or_all_in_one_spot_are_no_trouble(count: int) -> None:
    assert near_pairs(_line(count), 3) == exhaustive_pairs(count)
    assert near_pairs([np.eye(4)] * 4, 3) == exhaustive_pairs(4)


def test_many_images_are_paired_by_likeness_and_nearness() -> None:
    rows = _unit(np.random.default_rng(0).normal(size=(30, 8)))
    config = MapConfig(exhaustive_up_to=10, similar_per_image=2, near_per_image=1)
    assert choose_pairs(rows[:10], config, None) == exhaustive_pairs(10)
    assert choose_pairs(rows, config, None) == similar_pairs(rows, 2)
    both = choose_pairs(rows, config, _line(30))
    assert both == sorted(set(similar_pairs(rows, 2)) | set(near_pairs(_line(30), 1)))
    lonely = MapConfig(exhaustive_up_to=10, similar_per_image=2, near_per_image=0)
    assert choose_pairs(rows, lonely, _line(30)) == similar_pairs(rows, 2)


def test_centres_are_the_clusters() -> None:
    generator = np.random.default_rng(0)
    truth = _unit(generator.normal(size=(4, 16)))
    rows = _unit(truth[generator.integers(0, 4, 400)] + 0.03 * generator.normal(size=(400, 16)))
    centres = learn_centres([_features(rows[:200]), _features(rows[200:])], 4, seed=3)
    assert centres.shape == (4, 16)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    assert (rows @ centres.T).max(axis=1).min() > 0.5


def test_centres_are_the_same_every_time_and_no_more_than_descriptors() -> None:
    rows = _unit(np.random.default_rng(0).normal(size=(5, 16)))
    features = [_features(rows), _features(np.empty((0, 16)))]
    np.testing.assert_array_equal(learn_centres(features, 3), learn_centres(features, 3))
    assert learn_centres(features, 64).shape == (5, 16)


def _aggregate_slowly(features: Features, centres: np.ndarray) -> np.ndarray:
    sums = np.zeros(centres.shape)
    for descriptor, stability in zip(features.descriptors.astype(float), features.stability, strict=True):
        nearest = np.argsort(-(centres @ descriptor), kind="stable")[:2]
        weights = np.exp((centres[nearest] @ descriptor - (centres @ descriptor).max()) / 0.05)
        for centre, weight in zip(nearest, weights / weights.sum(), strict=True):
            sums[centre] += stability * weight * (descriptor - centres[centre])
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    flat = sums.ravel()
    return flat / np.linalg.norm(flat)


@pytest.mark.parametrize(("count", "centre_count"), [(1, 1), (1, 5), (40, 1), (40, 2), (40, 7)])
def test_aggregates_are_those_of_a_slow_loop(count: int, centre_count: int) -> None:
    generator = np.random.default_rng(count)
    features = _features(_unit(generator.normal(size=(count, 16))), generator.uniform(0.1, 1, count))
    centres = _unit(generator.normal(size=(centre_count, 16)))
    found = aggregate(features, centres)
    np.testing.assert_allclose(found, _aggregate_slowly(features, centres), atol=1e-5)


def test_an_image_without_features_is_like_none() -> None:
    centres = _unit(np.random.default_rng(0).normal(size=(3, 16)))
    assert not aggregate(_features(np.empty((0, 16))), centres).any()


def test_the_order_of_descriptors_does_not_matter_and_unstable_ones_count_less() -> None:
    generator = np.random.default_rng(0)
    rows, centres = _unit(generator.normal(size=(30, 16))), _unit(generator.normal(size=(4, 16)))
    order = generator.permutation(30)
    np.testing.assert_allclose(
        aggregate(_features(rows), centres), aggregate(_features(rows[order]), centres), atol=1e-5
    )
    car = _unit(generator.normal(size=(30, 16)))
    place = aggregate(_features(rows), centres)
    both = np.concatenate([rows, car])
    faint, loud = (
        aggregate(_features(both, np.concatenate([np.ones(30), np.full(30, level)])), centres) for level in (0.05, 1)
    )
    assert place @ faint > place @ loud


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_most_similar_come_first(images: int, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, query = _unit(generator.normal(size=(images, 6))), _unit(generator.normal(size=6))
    best, likeness = most_similar(query, rows.astype(np.float16), count)
    assert len(best) == min(images, count)
    assert np.all(np.diff(likeness) <= 0)
    np.testing.assert_allclose(likeness, (rows @ query)[best], atol=2e-3)


def test_a_map_image_finds_itself(random_place: Any) -> None:
    from sfd2_ros.mapping import load_map  # noqa: PLC0415
    from sfd2_ros.mapping.image_index import ImageIndex  # noqa: PLC0415

    map_ = load_map(random_place.map_folder)
    index = ImageIndex(map_.aggregates)
    firsts = [index.most_similar(aggregate(features, map_.centres), 3)[0] for features in random_place.features]
    assert firsts == list(range(len(random_place.images)))
