# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vectors of length one in a byte a component: how exact they are, and that writing them again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sfd2_ros.mapping.unit_rows import UnitRows, encode_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _random_rows(count: int, dimension: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@given(arrays(np.int8, st.tuples(st.integers(0, 6), st.integers(1, 130)), elements=st.integers(-127, 127)))
@settings(max_examples=200, deadline=None)
def test_encoding_what_was_decoded_gives_the_same_bytes(codes: NDArray[np.int8]) -> None:
    codes[:, 0] = np.where(codes[:, 0] < 0, -127, 127)
    again = encode_rows(UnitRows(codes)[:])
    assert again.codes.dtype == np.int8
    np.testing.assert_array_equal(again.codes, codes)
    np.testing.assert_array_equal(encode_rows(np.float64(7.3) * UnitRows(codes)[:]).codes, codes)


@pytest.mark.parametrize(("dimension", "largest"), [(64, 0.011), (128, 0.014), (8192, 0.04)])
def test_a_decoded_row_is_of_length_one_and_near_the_one_encoded(dimension: int, largest: float) -> None:
    rows = _random_rows(500, dimension)
    decoded = encode_rows(rows)[:]
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-6)
    wrong = np.linalg.norm(decoded - rows, axis=1)
    assert 0 < wrong.max() < largest
    assert ((decoded - rows) @ rows[::-1].T).std() < 0.001


def test_a_direction_in_space_is_exact_to_a_third_of_a_degree() -> None:
    rows = _random_rows(20_000, 3)
    sine = np.linalg.norm(np.cross(encode_rows(rows)[:].astype(float), rows), axis=1)
    assert 0.1 < np.degrees(np.arcsin(sine)).max() < 0.33


def test_rows_are_chosen_as_those_of_an_array_are() -> None:
    rows = encode_rows(_random_rows(20, 16))
    whole = np.asarray(rows)
    assert (rows.shape, len(rows), whole.shape, whole.dtype) == ((20, 16), 20, (20, 16), np.float32)
    for chosen in (np.array([3, 3, 0]), slice(2, 9, 3), np.arange(20) > 15, [], 7, -1):
        np.testing.assert_array_equal(rows[chosen], whole[chosen])
    np.testing.assert_array_equal(rows.taken([4, 1])[:], whole[[4, 1]])
    assert np.asarray(rows, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="without a copy"):
        rows.__array__(copy=False)


def test_no_direction_stays_none_and_every_other_row_reaches_127() -> None:
    rows = encode_rows(np.array([[0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.1e-3, 2e-3, -2e-3], [0.6, 0.0, 0.8]]))
    np.testing.assert_array_equal(rows.codes, [[0, 0, 0], [0, -127, 0], [70, 127, -127], [95, 0, 127]])
    np.testing.assert_array_equal(rows[0], [0, 0, 0])
    assert rows.greatest().tolist() == [0, 127, 127, 127]
    assert UnitRows(np.array([[-128, 0], [3, -5]], np.int8)).greatest().tolist() == [128, 5]
    assert encode_rows(np.empty((0, 4), np.float32)).greatest().tolist() == []


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_not_encoded(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        encode_rows(np.array([[1.0, wrong]]))
