# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Matches near where a pose says they must be, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.matching.guided import match_guided


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def _brute_force(case: tuple[np.ndarray, ...], radius: float, least: float) -> set[tuple[int, int]]:
    keypoints, descriptors, projections, landmarks = case
    distance = np.linalg.norm(keypoints[:, None] - projections[None], axis=2)
    likeness = descriptors.astype(np.float64) @ landmarks.astype(np.float64).T
    likeness[~(distance <= radius) | ~(likeness >= least)] = -np.inf
    pairs = set()
    for query in range(len(keypoints)):
        target = int(likeness[query].argmax())
        if np.isfinite(likeness[query, target]) and likeness[:, target].argmax() == query:
            pairs.add((query, target))
    return pairs


def _case(seed: int, queries: int, targets: int) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    keypoints = generator.uniform(0, 60, (queries, 2)).astype(np.float32)
    projections = generator.uniform(0, 60, (targets, 2))
    projections[generator.uniform(size=targets) < 0.2] = np.nan
    return (
        keypoints,
        _unit(generator.normal(size=(queries, 8))),
        projections,
        _unit(generator.normal(size=(targets, 8))),
    )


@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 40), st.floats(1, 40), st.floats(-1, 0.9))
@settings(max_examples=60, deadline=None)
def test_matches_are_those_of_brute_force(seed: int, queries: int, targets: int, radius: float, least: float) -> None:
    case = _case(seed, queries, targets)
    found = match_guided(*case, radius_px=radius, min_similarity=least)
    assert set(zip(found.query.tolist(), found.target.tolist(), strict=True)) == _brute_force(case, radius, least)
    assert np.all(np.diff(found.query) > 0)
    assert len(set(found.target.tolist())) == len(found)
    expected = np.sum(case[1][found.query] * case[3][found.target], axis=1)
    np.testing.assert_allclose(found.similarity, expected, atol=1e-6)


@pytest.mark.parametrize(("queries", "targets"), [(0, 0), (0, 5), (5, 0)])
def test_nothing_matches_nothing(queries: int, targets: int) -> None:
    found = match_guided(
        np.zeros((queries, 2)),
        np.zeros((queries, 8), np.float32),
        np.zeros((targets, 2)),
        np.zeros((targets, 8)),
        radius_px=9,
        min_similarity=-1,
    )
    assert len(found) == 0


def test_landmarks_out_of_view_match_nothing() -> None:
    keypoints, descriptors, projections, landmarks = _case(0, 5, 5)
    found = match_guided(
        keypoints, descriptors, np.full_like(projections, np.nan), landmarks, radius_px=1e6, min_similarity=-1
    )
    assert len(found) == 0


def test_a_keypoint_exactly_on_its_projection_matches() -> None:
    keypoints, descriptors, _, _ = _case(0, 6, 1)
    found = match_guided(
        keypoints,
        descriptors,
        keypoints.astype(float),
        descriptors.astype(np.float16),
        radius_px=0.5,
        min_similarity=0.9,
    )
    np.testing.assert_array_equal(found.query, np.arange(6))
    np.testing.assert_array_equal(found.target, np.arange(6))


def test_the_radius_is_a_circle() -> None:
    descriptors = _unit(np.ones((1, 8)))
    for offset, matched in (((9.9, 0), True), ((7.2, 7.2), False), ((10.1, 0), False)):
        found = match_guided(
            np.zeros((1, 2)), descriptors, np.array([offset]), descriptors, radius_px=10, min_similarity=-1
        )
        assert (len(found) == 1) is matched


def test_moving_everything_changes_nothing() -> None:
    keypoints, descriptors, projections, landmarks = _case(3, 30, 30)
    plain, moved = (
        match_guided(keypoints + shift, descriptors, projections + shift, landmarks, radius_px=15, min_similarity=0)
        for shift in (0.0, np.array([1000.0, -300.0]))
    )
    np.testing.assert_array_equal(plain.target, moved.target)
    assert len(plain) > 3
