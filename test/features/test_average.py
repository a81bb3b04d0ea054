# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.average import average
from sfd2_ros.features.weights import build_network, identify, with_brightness

if TYPE_CHECKING:
    from sfd2_ros.features.weights import Weights


def shifted(weights: Weights, by: float) -> Weights:
    entries = {name: t + by if t.is_floating_point() else t for name, t in weights.entries.items()}
    return replace(weights, entries=entries, weights_id=identify(entries, weights.brightness))


def test_every_value_is_the_mean(shipped_weights: Weights) -> None:
    full = replace(shipped_weights, entries={n: t.double() for n, t in shipped_weights.entries.items()})
    mean = average([full, shifted(full, 0.3), shifted(full, 0.6)])
    for name, tensor in full.entries.items():
        np.testing.assert_allclose(mean.entries[name].double(), tensor + 0.3, atol=1e-5)
    assert mean.weights_id == identify(mean.entries, mean.brightness) != shipped_weights.weights_id
    assert build_network(mean)(torch.zeros(1, 3, 32, 32)).descriptors.isfinite().all()


def test_the_mean_of_the_same_twice_is_the_same(shipped_weights: Weights) -> None:
    mean = average([shipped_weights, shipped_weights])
    assert (mean.weights_id, mean.terms) == (shipped_weights.weights_id, shipped_weights.terms)


def test_the_terms_are_those_of_all_and_only_open_if_all_are(shipped_weights: Weights) -> None:
    bound = replace(shipped_weights, terms="research: photographs")
    assert average([shipped_weights, bound]).terms == f"research: photographs; and {shipped_weights.terms}"


def test_what_has_no_mean_is_refused(shipped_weights: Weights) -> None:
    with pytest.raises(WeightsError, match="two or more"):
        average([shipped_weights])
    with pytest.raises(WeightsError, match=r"brightness: 0\.0, 0\.4"):
        average([with_brightness(shipped_weights, 0.0), with_brightness(shipped_weights, 0.4)])
    with pytest.raises(WeightsError, match="dimension: 128, 64"):
        average([shipped_weights, replace(shipped_weights, dimension=64)])
