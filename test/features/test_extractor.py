# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sfd2_ros.features import load_extractor
from sfd2_ros.features.extractor import Extractor, ExtractorConfig

if TYPE_CHECKING:
    from sfd2_ros.core.types import Features
    from sfd2_ros.features.weights import Weights

Image = NDArray[np.uint8]
REACH_PX = 48  # the network looks 38 pixels far, in steps of 8


def extractor_with(weights: Weights, **settings: object) -> Extractor:
    return Extractor(weights, "cpu", ExtractorConfig(**{"precision": "float32", **settings}))  # type: ignore[arg-type]


def inside(features: Features, left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
    x, y = features.keypoints.T
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def assert_same(one: Features, other: Features, tolerance: float = 1e-5) -> None:
    assert len(one) == len(other) > 0
    np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, atol=tolerance)
    np.testing.assert_allclose(one.descriptors, other.descriptors, atol=10 * tolerance)
    np.testing.assert_array_equal(one.stability, other.stability)


def test_features_are_what_their_type_promises(exact_extractor: Extractor, texture_features: Features) -> None:
    features = texture_features
    assert len(features) > 100
    assert features.image_size == (152, 200)
    assert features.weights_id == exact_extractor.weights_id
    assert features.descriptors.shape == (len(features), exact_extractor.dimension)
    for array in (features.keypoints, features.scores, features.stability, features.descriptors):
        assert array.dtype == np.float32
    assert (np.diff(features.scores) <= 0).all()
    assert features.scores.min() > exact_extractor.config.score_threshold
    np.testing.assert_allclose(np.linalg.norm(features.descriptors, axis=1), 1, atol=1e-5)
    assert set(np.unique(features.stability)) <= {np.float32(0.1), np.float32(0.5), np.float32(1.0)}


def test_the_same_image_gives_the_same_features(
    exact_extractor: Extractor, texture: Image, texture_features: Features
) -> None:
    one, other = exact_extractor(texture), texture_features
    np.testing.assert_array_equal(one.keypoints, other.keypoints)
    np.testing.assert_array_equal(one.descriptors, other.descriptors)


def test_a_batch_gives_what_its_images_give_alone(
    exact_extractor: Extractor, texture: Image, texture_features: Features
) -> None:
    images = [texture, np.ascontiguousarray(texture[::-1]), np.zeros_like(texture)]
    batch = exact_extractor.extract_batch(images)
    assert len(batch) == 3
    assert_same(batch[0], texture_features)
    assert_same(batch[1], exact_extractor(images[1]))
    assert exact_extractor.extract_batch([]) == []


def test_gray_is_what_equal_channels_are(exact_extractor: Extractor, texture: Image) -> None:
    gray = np.ascontiguousarray(texture[:, :, 1])
    assert_same(exact_extractor(gray), exact_extractor(np.repeat(gray[:, :, None], 3, axis=2)))


def test_colour_order_matters(exact_extractor: Extractor, texture: Image, texture_features: Features) -> None:
    assert not np.array_equal(texture_features.scores, exact_extractor(texture[:, :, ::-1]).scores)


def test_views_and_readonly_arrays_are_taken_without_a_warning(exact_extractor: Extractor, texture: Image) -> None:
    frozen = texture[:, ::-1].copy()
    frozen.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(exact_extractor(frozen), exact_extractor(texture[:, ::-1]))


@pytest.mark.parametrize(("height", "width"), [(149, 195), (145, 200), (152, 193), (151, 199)])
def test_size_that_is_no_multiple_of_eight_changes_nothing_far_from_the_cut(
    height: int, width: int, exact_extractor: Extractor, texture: Image, texture_features: Features
) -> None:
    whole, part = texture_features, exact_extractor(np.ascontiguousarray(texture[:height, :width]))
    limits = (-1, -1, width - REACH_PX, height - REACH_PX)
    for_whole, for_part = inside(whole, *limits), inside(part, *limits)
    assert for_whole.sum() == for_part.sum() > 50
    np.testing.assert_allclose(whole.keypoints[for_whole], part.keypoints[for_part], atol=1e-3)
    np.testing.assert_allclose(whole.descriptors[for_whole], part.descriptors[for_part], atol=1e-4)
    assert part.keypoints[:, 0].max() < width - 4
    assert part.keypoints[:, 1].max() < height - 4


def test_keypoints_move_with_the_image(exact_extractor: Extractor, texture: Image, texture_features: Features) -> None:
    whole, part = texture_features, exact_extractor(np.ascontiguousarray(texture[16:, 24:]))
    for_whole = inside(whole, 24 + REACH_PX, 16 + REACH_PX, 300, 300)
    for_part = inside(part, REACH_PX, REACH_PX, 300, 300)
    assert for_whole.sum() == for_part.sum() > 50
    np.testing.assert_allclose(whole.keypoints[for_whole] - [24, 16], part.keypoints[for_part], atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (7, 500), (500, 7), (8, 8), (3, 3)])
def test_tiny_images_give_no_features(height: int, width: int, exact_extractor: Extractor) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    features = exact_extractor(image)
    assert len(features) == 0
    assert features.keypoints.shape == (0, 2)
    assert features.descriptors.shape == (0, exact_extractor.dimension)
    assert features.image_size == (height, width)


@pytest.mark.parametrize("value", [0, 255, 128])
def test_image_without_contrast_has_no_features(value: int, exact_extractor: Extractor) -> None:
    assert len(exact_extractor(np.full((120, 160, 3), value, np.uint8))) == 0


@pytest.mark.parametrize("scale", [2.0, 1.7])
def test_keypoints_of_a_reduced_image_are_in_pixels_of_the_image_as_given(
    scale: float, shipped_weights: Weights
) -> None:
    random = np.random.default_rng(8)
    centres = random.uniform(16, 144, (60, 2))
    size = round(160 * scale)
    fine_centres = (centres + 0.5) * size / 160 - 0.5

    def draw(points: NDArray[np.float64], side: int, sigma: float) -> Image:
        y, x = np.mgrid[0:side, 0:side]
        field = np.zeros((side, side))
        for px, py in points:
            field = np.maximum(field, np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)))
        return (255 * field).astype(np.uint8)

    small = extractor_with(shipped_weights)(draw(centres, 160, 2.0))
    large = extractor_with(shipped_weights, max_side_px=160)(draw(fine_centres, size, 2.0 * size / 160))
    assert large.image_size == (size, size)
    expected = (small.keypoints + 0.5) * size / 160 - 0.5
    distance = np.linalg.norm(expected[:, None] - large.keypoints[None], axis=2)
    pairs = distance.min(1) < 2
    offsets = large.keypoints[distance.argmin(1)][pairs] - expected[pairs]
    assert pairs.sum() > 20
    # Forgetting the half pixels would move every keypoint by (scale - 1) / 2.
    np.testing.assert_allclose(np.median(offsets, axis=0), 0, atol=0.06)


def test_image_is_reduced_only_when_it_is_larger(
    shipped_weights: Weights, texture: Image, texture_features: Features
) -> None:
    assert_same(extractor_with(shipped_weights, max_side_px=200)(texture), texture_features)
    reduced = extractor_with(shipped_weights, max_side_px=199)(texture)
    assert not np.array_equal(reduced.keypoints[:50], texture_features.keypoints[:50])


def test_fewer_keypoints_are_the_strongest_of_more(
    shipped_weights: Weights, texture: Image, texture_features: Features
) -> None:
    few = extractor_with(shipped_weights, max_keypoints=40)(texture)
    assert len(few) == 40
    np.testing.assert_array_equal(few.keypoints, texture_features.keypoints[:40])


def test_whole_pixels_when_refinement_is_off(
    shipped_weights: Weights, texture: Image, texture_features: Features
) -> None:
    whole = extractor_with(shipped_weights, refinement="none")(texture)
    np.testing.assert_array_equal(whole.keypoints, np.round(whole.keypoints))
    assert len(whole) == len(texture_features)
    moved = np.abs(whole.keypoints - texture_features.keypoints)
    assert moved.mean() > 0.1
    assert moved.max() <= 0.5


def test_stability_weighs_before_the_threshold(shipped_weights: Weights, texture: Image) -> None:
    weighted = extractor_with(shipped_weights, max_keypoints=65536, refinement="none")(texture)
    plain = extractor_with(shipped_weights, max_keypoints=65536, refinement="none", use_stability=False)(texture)
    by_place = {tuple(place): index for index, place in enumerate(plain.keypoints.tolist())}
    shared = [(i, by_place[tuple(p)]) for i, p in enumerate(weighted.keypoints.tolist()) if tuple(p) in by_place]
    assert len(shared) > 50
    ours, theirs = map(list, zip(*shared, strict=True))
    expected = plain.scores * plain.stability**2
    np.testing.assert_allclose(weighted.scores[ours], expected[theirs], rtol=1e-3)
    low = expected < 0.0005
    assert low.any()
    assert not set(map(tuple, plain.keypoints[low].tolist())) & set(map(tuple, weighted.keypoints.tolist()))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_finds_what_float32_finds(
    precision: str, shipped_weights: Weights, exact_extractor: Extractor
) -> None:
    image = np.random.default_rng(3).integers(0, 2, (9, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) * 200
    exact, half = exact_extractor(image), extractor_with(shipped_weights, precision=precision)(image)
    distance = np.linalg.norm(exact.keypoints[:100, None] - half.keypoints[None], axis=2)
    found = distance.min(1) < 1
    assert found.mean() > 0.9
    nearest = distance.argmin(1)[found]
    cosine = (exact.descriptors[:100][found] * half.descriptors[nearest]).sum(1)
    assert np.median(cosine) > 0.998
    np.testing.assert_allclose(np.linalg.norm(half.descriptors, axis=1), 1, atol=1e-5)


@pytest.mark.gpu
def test_cuda_finds_what_the_cpu_finds(exact_extractor: Extractor, skip_without: object, texture: Image) -> None:
    if not torch.cuda.is_available():
        skip_without("gpu", "no CUDA device")  # type: ignore[operator]
    exact, fast = exact_extractor(texture), load_extractor(device="cuda")(texture)
    distance = np.linalg.norm(exact.keypoints[:, None] - fast.keypoints[None], axis=2)
    assert (distance.min(1) < 1).mean() > 0.9


def test_strongest_keypoint_of_a_square_is_at_a_corner_without_a_bias(exact_extractor: Extractor) -> None:
    image = np.full((160, 160, 3), 30, np.uint8)
    image[60:100, 60:100] = 220
    strongest = exact_extractor(image).keypoints[0]
    corners = np.array([[59.8, 59.8], [99.2, 59.8], [59.8, 99.2], [99.2, 99.2]])  # between pixel and edge
    # A bias of half a pixel along both axes is 0.71 away.
    assert np.linalg.norm(corners - strongest, axis=1).min() < 0.6
