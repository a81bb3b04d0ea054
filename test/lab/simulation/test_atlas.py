# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Textures: packed, averaged, read back."""

import numpy as np
import torch

from sfd2_lab.simulation.atlas import TextureAtlas
from sfd2_lab.simulation.sampling import binary_level, lookup


def atlas_of(image: np.ndarray) -> TextureAtlas:
    atlas = TextureAtlas(torch.device("cpu"))
    size = (image.shape[1] / 10, image.shape[0] / 10)
    atlas.register(size, 10.0, lambda shape: image.reshape(*shape, 4), ("test",))
    atlas.require([0])
    return atlas


def read(atlas: TextureAtlas, u: float, v: float, footprint: tuple[float, float]) -> tuple[np.ndarray, float]:
    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=torch.float32)

    dither = torch.full((1,), 0.25)
    colour, mask = lookup(
        atlas, torch.zeros(1, dtype=torch.int64), (one(u), one(v)), (one(footprint[0]), one(footprint[1])), dither
    )
    return colour[0].numpy(), float(mask[0])


def test_texel_centres_give_the_painted_colour_with_v_up() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 4)).astype(np.uint8)
    atlas = atlas_of(image)
    for row, col in ((0, 0), (31, 63), (7, 40)):
        colour, mask = read(atlas, (col + 0.5) / 10, (31 - row + 0.5) / 10, (0.01, 0.01))
        np.testing.assert_allclose(colour, np.square(image[row, col, :3] / 255), atol=0.006)
        assert abs(mask - image[row, col, 3] / 255) < 0.003


def test_a_wide_footprint_gives_the_mean_light() -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, ::2] = 255
    colour, _ = read(atlas_of(image), 1.6, 1.6, (1.6, 1.6))
    np.testing.assert_allclose(colour, 0.5, atol=0.01)


def test_a_footprint_along_one_axis_keeps_the_other_sharp() -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[::8] = 255
    sharp, _ = read(atlas_of(image), 1.6, 3.15, (1.6, 0.01))
    blurred, _ = read(atlas_of(image), 1.6, 3.15, (0.01, 1.6))
    assert sharp.min() > 0.9
    assert blurred.max() < 0.3


def test_the_same_key_gives_the_same_texture_and_sizes_need_not_be_even() -> None:
    atlas = TextureAtlas(torch.device("cpu"))

    def paint(shape: tuple[int, int]) -> np.ndarray:
        return np.full((*shape, 4), 200, np.uint8)

    first = atlas.register((0.3, 0.7), 10.0, paint, ("a",))
    assert atlas.register((0.3, 0.7), 10.0, paint, ("a",)) == first
    assert atlas.register((0.3, 0.7), 10.0, paint, ("b",)) != first
    atlas.require([first])
    colour, _ = read(atlas, 0.2, 0.5, (5.0, 5.0))
    np.testing.assert_allclose(colour, (200 / 255) ** 2, atol=0.006)


def test_binary_level_is_close_to_the_logarithm() -> None:
    footprint = torch.linspace(0.2, 300, 5000)
    expected = torch.log2(torch.clamp(footprint, min=1))
    assert (binary_level(footprint) - expected).abs().max() < 0.09
