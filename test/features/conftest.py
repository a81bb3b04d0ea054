# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The golden output, weights without files, and a textured image that no camera took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.network import Sfd2Network
from sfd2_ros.features.weights import Weights, read_weights, weights_of_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden() -> dict[str, NDArray[np.floating]]:
    """Return what the reference network computed."""
    with np.load(GOLDEN / "sfd2_resseg_v2.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def reference_layout() -> dict[str, tuple[int, ...]]:
    """Return the shape of each entry of the reference's state dict, sorted by name."""
    rows = json.loads((GOLDEN / "sfd2_resseg_v2_keys.json").read_text())
    return {name: tuple(shape) for name, shape, _ in rows}


@pytest.fixture(scope="session")
def reference_entries(reference_layout: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Return the parameters that the golden output was computed with."""
    random = np.random.RandomState(20230428)
    return {name: _draw(name, shape, random) for name, shape in reference_layout.items()}


@pytest.fixture(scope="session")
def shipped_weights() -> Weights:
    """Return the weights in the package."""
    return read_weights()


@pytest.fixture(scope="session")
def exact_extractor(shipped_weights: Weights) -> Extractor:
    """Return an extractor in float32, whose results do not depend on the machine's precision."""
    return Extractor(shipped_weights, "cpu", ExtractorConfig(precision="float32"))


@pytest.fixture(scope="session")
def small_weights() -> Weights:
    """Return random weights with the shortest descriptors."""
    torch.manual_seed(5)
    network = Sfd2Network(32).half()
    return weights_of_network(network, training="none", terms="none")


@pytest.fixture(scope="session")
def texture() -> NDArray[np.uint8]:
    """Return a (152, 200, 3) RGB image with corners at many scales."""
    return make_texture(152, 200)


@pytest.fixture(scope="session")
def texture_features(exact_extractor: Extractor, texture: NDArray[np.uint8]) -> Features:
    """Return the features of that image."""
    return exact_extractor(texture)


def make_texture(height: int, width: int, seed: int = 3) -> NDArray[np.uint8]:
    """Draw rectangles of random size, place and colour over each other."""
    random = np.random.default_rng(seed)
    image = np.full((height, width, 3), 128, np.uint8)
    for _ in range(height * width // 200):
        x, y = random.integers(0, width), random.integers(0, height)
        w, h = random.integers(4, 40, 2)
        image[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return image


def _draw(name: str, shape: tuple[int, ...], random: np.random.RandomState) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.int64)
    if name.endswith("running_var"):
        values = 0.5 + random.rand(*shape)
    elif name.endswith("running_mean"):
        values = 0.1 * random.randn(*shape)
    elif name.endswith("bias"):
        values = 0.05 * random.randn(*shape)
    elif len(shape) == 1:
        values = 1 + 0.1 * random.randn(*shape)
    else:
        values = random.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))
