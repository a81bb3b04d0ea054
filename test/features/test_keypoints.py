# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every step against a plain-loop oracle in numpy, and properties that must hold for any input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.features import keypoints as kp

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def oracle_maxima(scores: NDArray[np.float32], threshold: float, radius: int) -> NDArray[np.bool_]:
    """Peaks by the definition; of equal ones within the radius the first in raster order, among all equal peaks."""
    height, width = scores.shape
    peaks = np.zeros_like(scores, dtype=bool)
    for y in range(height):
        for x in range(width):
            window = scores[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            peaks[y, x] = scores[y, x] > threshold and scores[y, x] >= window.max()
    kept = peaks.copy()
    for y, x in zip(*np.nonzero(peaks), strict=True):
        for v, u in zip(*np.nonzero(peaks), strict=True):
            if (v, u) < (y, x) and abs(v - y) <= radius and abs(u - x) <= radius:
                kept[y, x] = False
    return kept


def oracle_bilinear(grid: NDArray[np.float32], x: float, y: float) -> NDArray[np.float64]:
    """Value of (D, h, w) at cell coordinates, clamped to the outer cells."""
    height, width = grid.shape[1:]
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = int(np.floor(x)), int(np.floor(y))
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    a, b = x - left, y - top
    upper = (1 - a) * grid[:, top, left].astype(float) + a * grid[:, top, right]
    lower = (1 - a) * grid[:, bottom, left].astype(float) + a * grid[:, bottom, right]
    return (1 - b) * upper + b * lower


def maps(values: st.SearchStrategy[float]) -> st.SearchStrategy[NDArray[np.float32]]:
    sizes = st.tuples(st.integers(1, 14), st.integers(1, 14))
    return sizes.flatmap(
        lambda size: st.lists(values, min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
            lambda numbers: np.array(numbers, np.float32).reshape(size)
        )
    )


few_values = maps(st.sampled_from([0.0, 0.1, 0.2, 0.3]))


def test_detection_probability_is_the_published_formula_at_the_right_pixel() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 3, (2, 65, 3, 4))
    exponential = np.exp(logits)
    cells = exponential / (exponential.sum(1, keepdims=True) + 1e-5)
    found = kp.detection_probability(torch.from_numpy(logits)).numpy()
    assert found.shape == (2, 24, 32)
    for b, y, x in ((0, 0, 0), (1, 23, 31), (0, 9, 3), (1, 15, 16), (0, 7, 8)):
        assert found[b, y, x] == pytest.approx(cells[b, (y % 8) * 8 + x % 8, y // 8, x // 8], abs=1e-6)


def test_detection_probability_keeps_the_epsilon_of_the_formula_where_all_logits_are_low() -> None:
    logits = torch.full((1, 65, 1, 1), -14.0)
    exponential = np.exp(-14.0)
    assert kp.detection_probability(logits)[0, 0, 0].item() == pytest.approx(
        exponential / (65 * exponential + 1e-5), rel=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_detection_probability_of_huge_logits_is_finite(dtype: torch.dtype) -> None:
    logits = torch.zeros(1, 65, 1, 2, dtype=dtype)
    logits[0, 3, 0, 0], logits[0, 64, 0, 1] = 6e4, 6e4
    found = kp.detection_probability(logits)
    assert found.dtype is torch.float32
    assert found[0, 0, 3] == 1.0
    assert found.sum() == 1.0


def test_stability_is_the_value_of_the_likeliest_class_between_the_cells() -> None:
    logits = np.random.default_rng(2).normal(0, 2, (1, 3, 5, 6)).astype(np.float32)
    found = kp.stability_value(torch.from_numpy(logits), (0.1, 0.5, 1.0))[0].numpy()
    assert found.shape == (20, 24)
    for y in range(20):
        for x in range(24):
            fine = oracle_bilinear(logits[0], (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5)
            if np.sort(fine)[-1] - np.sort(fine)[-2] > 1e-5:
                assert found[y, x] == np.float32((0.1, 0.5, 1.0)[int(fine.argmax())])


@given(scores=few_values, radius=st.integers(0, 4), threshold=st.sampled_from([0.0, 0.15]))
@QUICK
def test_local_maxima_equal_the_oracle_on_maps_full_of_ties(
    scores: NDArray[np.float32], radius: int, threshold: float
) -> None:
    found = kp.local_maxima(torch.from_numpy(scores)[None], threshold=threshold, radius_px=radius)[0].numpy()
    np.testing.assert_array_equal(found, oracle_maxima(scores, threshold, radius))


@given(scores=maps(st.floats(0, 1, width=32)), radius=st.integers(0, 4))
@QUICK
def test_local_maxima_equal_the_oracle_on_any_map(scores: NDArray[np.float32], radius: int) -> None:
    found = kp.local_maxima(torch.from_numpy(scores)[None], threshold=0.25, radius_px=radius)[0].numpy()
    np.testing.assert_array_equal(found, oracle_maxima(scores, 0.25, radius))


@given(scores=few_values, radius=st.integers(1, 4))
@QUICK
def test_local_maxima_are_never_within_the_radius_of_each_other(scores: NDArray[np.float32], radius: int) -> None:
    found = kp.local_maxima(torch.from_numpy(scores)[None], threshold=0.0, radius_px=radius)[0]
    places = torch.nonzero(found)
    distance = (places[:, None] - places[None]).abs().amax(-1) + 1000 * torch.eye(len(places), dtype=torch.int64)
    assert len(places) < 2 or distance.min() > radius


def test_suppression_looks_at_each_image_of_a_batch_alone() -> None:
    scores = torch.zeros(2, 9, 9)
    scores[0, 4, 4], scores[1, 4, 5] = 0.9, 0.2
    found = kp.local_maxima(scores, threshold=0.1, radius_px=4)
    assert torch.nonzero(found).tolist() == [[0, 4, 4], [1, 4, 5]]


def select(scores: torch.Tensor, maximum: int = 99, border_px: int = 0) -> list[list[int]]:
    chosen = kp.select_keypoints(scores[None], threshold=0.1, radius_px=1, border_px=border_px, maximum=maximum)
    result: list[list[int]] = chosen[0].tolist()
    return result


def test_keypoints_come_by_descending_score_as_x_and_y_and_equal_ones_in_raster_order() -> None:
    scores = torch.zeros(12, 20)
    scores[2, 3], scores[2, 9], scores[8, 15], scores[10, 1] = 0.3, 0.5, 0.3, 0.9
    assert select(scores) == [[1, 10], [9, 2], [3, 2], [15, 8]]
    assert select(scores, maximum=3) == [[1, 10], [9, 2], [3, 2]]


def test_border_is_as_wide_as_it_says() -> None:
    scores = torch.zeros(12, 20)
    for y, x in ((2, 2), (3, 5), (8, 9), (9, 13), (4, 16), (6, 17), (5, 3), (6, 1)):
        scores[y, x] = 0.5
    assert select(scores, border_px=3) == [[5, 3], [16, 4], [3, 5], [9, 8]]


@pytest.mark.parametrize("border_px", [6, 7, 300])
def test_border_wider_than_the_image_leaves_nothing(border_px: int) -> None:
    assert select(torch.ones(12, 12), border_px=border_px) == []


def test_keypoints_on_one_even_colour_show_nothing() -> None:
    image = torch.zeros(3, 40, 60)
    image[1, :, 30:] = torch.rand(40, 30, generator=torch.Generator().manual_seed(0))
    image[2, 20, 10] = 3 / 255
    image[2, 2, 2] = 1 / 255  # as compression leaves
    keypoints = torch.tensor(
        [[45, 20], [27, 20], [26, 5], [24, 5], [10, 20], [14, 24], [15, 24], [2, 2], [0, 39], [59, 0]]
    )
    expected = [True, True, True, False, True, True, False, False, False, True]
    assert kp.shows_something(image, keypoints).tolist() == expected
    assert kp.shows_something(image, keypoints[:0]).shape == (0,)


@given(shift_x=st.floats(-0.45, 0.45), shift_y=st.floats(-0.45, 0.45), width=st.floats(1.2, 3.0))
@QUICK
def test_refinement_finds_the_middle_of_a_blob(shift_x: float, shift_y: float, width: float) -> None:
    y, x = np.mgrid[0:21, 0:25]
    blob = np.exp(-((x - 12 - shift_x) ** 2 + (y - 10 - shift_y) ** 2) / (2 * width**2)).astype(np.float32)
    found = kp.refine_keypoints(torch.from_numpy(blob), torch.tensor([[12, 10]]))[0].numpy()
    np.testing.assert_allclose(found, [12 + shift_x, 10 + shift_y], atol=0.06)


@given(scores=maps(st.floats(0, 1, width=32)))
@QUICK
def test_refinement_moves_by_at_most_half_a_pixel_even_in_the_corners(scores: NDArray[np.float32]) -> None:
    height, width = scores.shape
    corners = torch.tensor([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
    found = kp.refine_keypoints(torch.from_numpy(scores), corners)
    assert torch.isfinite(found).all()
    assert (found - corners).abs().max() <= 0.5


def test_refinement_stays_where_the_score_is_flat() -> None:
    found = kp.refine_keypoints(torch.full((20, 20), 0.5), torch.tensor([[9, 9], [0, 0]]))
    assert found.tolist() == [[9.0, 9.0], [0.0, 0.0]]


def test_descriptors_are_sampled_at_the_documented_place() -> None:
    random = np.random.default_rng(4)
    descriptors = random.normal(0, 1, (16, 7, 9)).astype(np.float32)
    corners = [[-0.5, -0.5], [0, 0], [35, 27], [35.5, 27.5], [1.5, 1.5], [5.5, 9.5]]
    keypoints = np.vstack([corners, random.uniform(-0.5, [35.5, 27.5], (60, 2))]).astype(np.float32)
    found = kp.sample_descriptors(torch.from_numpy(descriptors), torch.from_numpy(keypoints)).numpy()
    for (x, y), descriptor in zip(keypoints, found, strict=True):
        expected = oracle_bilinear(descriptors, (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5)
        np.testing.assert_allclose(descriptor, expected / np.linalg.norm(expected), atol=2e-5)


def test_descriptor_at_the_centre_of_a_cell_is_that_of_the_cell() -> None:
    descriptors = torch.nn.functional.normalize(torch.randn(8, 5, 5, generator=torch.Generator().manual_seed(1)), dim=0)
    found = kp.sample_descriptors(descriptors, torch.tensor([[4 * 3 + 1.5, 4 * 2 + 1.5]]))[0]
    torch.testing.assert_close(found, descriptors[:, 2, 3])


def test_no_keypoints_give_no_descriptors() -> None:
    none = torch.empty(0, 2, dtype=torch.int64)
    assert kp.refine_keypoints(torch.ones(8, 8), none).shape == (0, 2)
    assert kp.sample_descriptors(torch.ones(32, 2, 2), none.float()).shape == (0, 32)
