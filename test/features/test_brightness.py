# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.brightness import lift_shadows
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.weights import (
    build_network,
    in_half_precision,
    read_weights,
    weights_of_network,
    write_weights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.features.weights import Weights

LEVEL = 0.5
sides = st.integers(1, 9).map(lambda cells: 8 * cells)


def uniform(value: float, height: int = 96, width: int = 128) -> torch.Tensor:
    return torch.full((1, 3, height, width), value)


def noise(height: int, width: int, brightest: float = 1.0) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)) * brightest


@pytest.mark.parametrize("value", [0.02, 0.1, 0.4, 0.5])
def test_what_is_dark_comes_nearer_to_the_level_and_not_above_it(value: float) -> None:
    lifted = lift_shadows(uniform(value), LEVEL)
    assert (LEVEL - lifted < 0.7 * (LEVEL - value) + 1e-6).all()
    assert (lifted < LEVEL + 1e-6).all()


@given(st.floats(0, 1), st.floats(0.01, 1))
def test_each_pixel_is_as_the_formula_says(pixel: float, neighbourhood: float) -> None:
    image = uniform(neighbourhood, 200, 200)
    image[..., 100, 100] = pixel
    power = min(1.0, math.log(LEVEL) / math.log(min(neighbourhood, 0.99)))
    expected = ((pixel + 0.01) ** power - 0.01**power) / (1.01**power - 0.01**power)
    assert float(lift_shadows(image, LEVEL)[0, 0, 100, 100]) == pytest.approx(expected, abs=0.02)


def test_black_stays_black_and_noise_in_it_is_not_torn_apart() -> None:
    assert (lift_shadows(uniform(0.0), LEVEL) < 1e-6).all()
    faint = noise(160, 160, 0.004)
    assert float(lift_shadows(faint, LEVEL).std()) < 20 * float(faint.std())


@pytest.mark.parametrize("value", [0.5, 0.7, 1.0])
def test_what_is_bright_stays(value: float) -> None:
    torch.testing.assert_close(lift_shadows(uniform(value), LEVEL), uniform(value))


def test_a_shadow_is_lifted_beside_sunlight_that_stays() -> None:
    image = torch.cat([uniform(0.05), uniform(0.8)], dim=3)
    lifted = lift_shadows(image, LEVEL)
    torch.testing.assert_close(lifted[..., :48], lift_shadows(uniform(0.05), LEVEL)[..., :48])
    torch.testing.assert_close(lifted[..., -48:], uniform(0.8)[..., -48:])


@given(sides, sides)
def test_any_size_keeps_its_size_and_range(height: int, width: int) -> None:
    image = noise(height, width, 0.3)
    lifted = lift_shadows(image.clone(), LEVEL)
    assert lifted.shape == image.shape
    assert lifted.isfinite().all()
    assert (lifted >= image - 1e-6).all()
    assert (lifted <= 1 + 1e-6).all()


def test_the_image_that_was_given_is_left_alone_and_each_of_a_batch_stands_for_itself() -> None:
    images = torch.cat([noise(80, 64, 0.2), noise(80, 64)])
    before = images.clone()
    together = lift_shadows(images, LEVEL)
    torch.testing.assert_close(images, before, atol=0, rtol=0)
    torch.testing.assert_close(together[1:], lift_shadows(images[1:], LEVEL))


def test_more_keypoints_are_found_again_in_the_dark(shipped_weights: Weights, texture: NDArray[np.uint8]) -> None:
    dark = (255 * (texture / 255.0) ** 4).round().astype(np.uint8)
    found_again = []
    for brightness in (0.0, LEVEL):
        weights = dataclasses.replace(shipped_weights, brightness=brightness)
        extractor = Extractor(weights, config=ExtractorConfig(precision="float32"))
        bright, faint = extractor(texture).keypoints, extractor(dark).keypoints
        gaps = np.linalg.norm(bright[:, None] - faint[None], axis=2).min(axis=1)
        found_again.append((gaps < 1.5).mean())
    assert found_again[1] > found_again[0] + 0.05, found_again


def test_weights_carry_their_brightness_and_are_others_by_it(shipped_weights: Weights, tmp_path: Path) -> None:
    plain = weights_of_network(build_network(shipped_weights), training="t", terms="open: t")
    network = build_network(dataclasses.replace(shipped_weights, brightness=LEVEL))
    weights = weights_of_network(network, training="t", terms="open: t")
    write_weights(tmp_path / "weights.safetensors", weights)
    read = read_weights(tmp_path / "weights.safetensors")
    assert (read.brightness, read.weights_id) == (LEVEL, weights.weights_id)
    assert build_network(read).brightness == in_half_precision(read).brightness == LEVEL
    assert read.weights_id != plain.weights_id


@pytest.mark.parametrize("brightness", [-0.1, 1.0, float("nan")])
def test_brightness_that_cannot_be_is_refused(shipped_weights: Weights, tmp_path: Path, brightness: float) -> None:
    write_weights(tmp_path / "weights.safetensors", dataclasses.replace(shipped_weights, brightness=brightness))
    with pytest.raises(WeightsError, match="brightness"):
        read_weights(tmp_path / "weights.safetensors")
