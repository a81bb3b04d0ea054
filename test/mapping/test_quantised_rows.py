# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptors in a few bits a component, uncertainties and keypoints in few bytes: how exact they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.transforms import rotation_from_vector
from sfd2_ros.mapping.information import covariances_of, packed_information
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import QuantisedRows, quantise_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _unit(count: int, dimension: int, seed: int = 3) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize(("bits", "distortion"), [(1, 0.3634), (2, 0.1175), (3, 0.03454), (4, 0.009497)])
def test_a_decoded_row_is_as_near_as_the_best_quantiser_of_a_normal_variable(bits: int, distortion: float) -> None:
    """Max 1960, table I: mean squared error of a variable of variance 1; the length is corrected here."""
    rows = _unit(2000, 128)
    encoded = quantise_rows(rows, bits)
    assert (encoded.codes.shape, encoded.bits, encoded.shape) == ((2000, 16 * bits), bits, (2000, 128))
    decoded = encoded[:]
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-6)
    assert np.mean(np.sum(decoded * rows, axis=1)) == pytest.approx(np.sqrt(1 - distortion), abs=0.004)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_rows_far_from_normal_are_quantised_as_well(bits: int) -> None:
    """One component alone, all equal, and a step: after the transform they are spread over all components."""
    rows = np.array([np.eye(128)[5], np.ones(128), np.arange(128) > 64], np.float32)
    decoded = quantise_rows(7.5 * rows, bits)[:]
    cosine = np.sum(decoded * rows, axis=1) / np.linalg.norm(rows, axis=1)
    assert cosine.min() > {1: 0.8, 2: 0.94, 3: 0.98, 4: 0.99}[bits]


@given(st.integers(1, 130), st.integers(1, 4), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_dimension_and_any_choice_of_rows_is_decoded(dimension: int, bits: int, count: int) -> None:
    encoded = quantise_rows(_unit(count + 1, dimension), bits)
    whole = np.asarray(encoded)
    assert whole.shape == (count + 1, dimension)
    for chosen in (np.array([0, count, 0]), slice(0, 3), np.arange(count + 1) > 1, -1):
        np.testing.assert_allclose(encoded[chosen], whole[chosen], atol=1e-6)
    np.testing.assert_allclose(encoded.taken([count, 0])[:], whole[[count, 0]], atol=1e-6)


@pytest.mark.parametrize("bits", [1, 3])
def test_similarities_are_those_of_the_decoded_rows(bits: int) -> None:
    encoded, query = quantise_rows(_unit(600, 96), bits), _unit(1, 96, seed=9)[0]
    similar = encoded.similarity(query)
    assert (similar.shape, similar.dtype) == ((600,), np.float32)
    np.testing.assert_allclose(similar, encoded[:] @ query, atol=1e-5)
    assert quantise_rows(np.empty((0, 96)), bits).similarity(query).shape == (0,)


def test_codes_are_the_same_in_every_version() -> None:
    """A map is read by later versions: the code of a row must not change."""
    rows = np.sin(np.arange(1, 25, dtype=np.float32).reshape(2, 12))
    assert quantise_rows(rows, 3).codes.tolist() == GOLDEN
    np.testing.assert_allclose(quantise_rows(rows, 4)[:] @ rows.T / np.linalg.norm(rows, axis=1), 0, atol=1.01)


GOLDEN = [[161, 144, 60, 0, 194, 64], [160, 144, 63, 64, 123, 0]]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_not_quantised(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        quantise_rows(np.array([[1.0, wrong]]), 3)
    with pytest.raises(ValueError, match="not finite"):
        encode_pixels(np.array([[1.0, wrong]]))


def test_unknown_bits_and_codes_of_another_length_are_rejected() -> None:
    with pytest.raises(ValueError, match="5 bits a component are not known; allowed: 1, 2, 3, 4"):
        quantise_rows(_unit(2, 8), 5)
    with pytest.raises(ValueError, match="hold no rows of 16 components"):
        QuantisedRows(np.zeros((3, 9), np.uint8), 16)
    with pytest.raises(ValueError, match="without a copy"):
        quantise_rows(_unit(2, 8), 3).__array__(copy=False)


@pytest.mark.parametrize(("ratio", "most"), [(1.0, 1.001), (30.0, 1.01), (1e3, 1.1), (1e5, 1.1)])
def test_a_covariance_is_kept_across_and_along_its_longest_axis(ratio: float, most: float) -> None:
    """Seen from one side: certain across, uncertain in depth. Rounding must not make it uncertain across."""
    turns = [rotation_from_vector(vector) for vector in np.random.default_rng(1).normal(size=(50, 3))]
    across = 0.004
    covariances = np.array([turn @ np.diag(np.square([across, across, across * ratio])) @ turn.T for turn in turns])
    found = covariances_of(packed_information(covariances))
    for turn, one in zip(turns, found, strict=True):
        deviations = np.sqrt(np.diag(turn.T @ one @ turn))
        assert deviations[:2].max() < across * most
        assert deviations[:2].min() > across / 1.01
        assert deviations[2] > across * min(ratio, 1000) * 0.99
        assert np.linalg.eigvalsh(one).min() > 0


def test_a_covariance_beyond_half_precision_stays_finite_and_positive() -> None:
    for scale in (1e-14, 1e14):
        found = covariances_of(packed_information(scale * np.eye(3)[None]))[0]
        assert np.all(np.isfinite(found))
        assert np.linalg.eigvalsh(found).min() > 0


def test_keypoints_are_exact_to_a_hundredth_of_a_pixel() -> None:
    keypoints = np.random.default_rng(0).uniform([-30, -0.5], [1255, 369.5], (5000, 2))
    encoded = encode_pixels(keypoints)
    assert (encoded.codes.dtype, len(encoded)) == (np.uint16, 5000)
    assert np.abs(encoded[:] - keypoints).max() < 0.0101
    np.testing.assert_array_equal(encode_pixels(encoded[:]).codes, encoded.codes)
    assert encode_pixels(np.empty((0, 2)))[:].shape == (0, 2)
