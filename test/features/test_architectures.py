# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.features.architectures import architecture_of_model, architectures
from sfd2_ros.features.average import average
from sfd2_ros.features.inference import fold_norms
from sfd2_ros.features.model_names import MODELS
from sfd2_ros.features.network import FeatureNetwork
from sfd2_ros.features.weights import Weights, build_network, read_weights, weights_of_network, write_weights


def network_of(model: str) -> FeatureNetwork:
    architecture = architecture_of_model(model)
    torch.manual_seed(7)
    return architecture.build(architecture.dimensions[-1], 0.0).eval()


def weights_of(model: str) -> Weights:
    return weights_of_network(network_of(model), training="none", terms="none")


def multiplications(network: FeatureNetwork, height: int, width: int) -> int:
    """Count the multiplications of the convolutions from their shapes, without doing them."""
    counts = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda made, _given, out: counts.append(out.shape[2] * out.shape[3] * made.weight.numel())
            )
    network.to("meta")(torch.zeros(1, 3, height, width, device="meta"))
    return sum(counts)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gives_the_same_three_outputs(model: str) -> None:
    dimension = architecture_of_model(model).dimensions[-1]
    with torch.inference_mode():
        output = network_of(model)(torch.rand(2, 3, 40, 24))
    assert output.detection_logits.shape == (2, 65, 5, 3)
    assert output.descriptors.shape == (2, dimension, 10, 6)
    assert output.stability_logits.shape == (2, 3, 10, 6)
    torch.testing.assert_close(output.descriptors.norm(dim=1), torch.ones(2, 10, 6))


def test_models_get_smaller_and_the_light_one_keeps_its_budget() -> None:
    full, half, light = (multiplications(network_of(model), 480, 640) for model in MODELS)
    assert half < 0.3 * full
    assert light <= 1.5e9


@pytest.mark.parametrize("model", MODELS)
def test_folded_network_gives_the_same_outputs(model: str) -> None:
    network, images = network_of(model), torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        folded, plain = fold_norms(network)(images), network(images)
    for mine, wanted in zip(folded, plain, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=1e-4)
    assert not [module for module in fold_norms(network).modules() if isinstance(module, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize("model", MODELS)
def test_weights_name_their_model_and_are_read_back(model: str, tmp_path: Path) -> None:
    weights = weights_of(model)
    write_weights(tmp_path / "w.safetensors", weights)
    found = read_weights(tmp_path / "w.safetensors")
    assert found.architecture.model == model
    assert found.weights_id == weights.weights_id
    assert found.weights_id.startswith(f"{model}-{weights.dimension}d-")
    images = torch.rand(1, 3, 16, 24)
    assert torch.equal(build_network(found)(images).descriptors, network_of(model)(images).descriptors)


@pytest.mark.parametrize("model", MODELS)
def test_checkpoint_without_a_header_is_recognised_by_its_entries(model: str, tmp_path: Path) -> None:
    weights = weights_of(model)
    torch.save(dict(weights.entries), tmp_path / "w.pth")
    assert read_weights(tmp_path / "w.pth").weights_id == weights.weights_id


def test_header_of_another_model_than_the_entries_is_rejected(tmp_path: Path) -> None:
    entries = {name: value.contiguous() for name, value in weights_of("sfd2-m").entries.items()}
    save_file(entries, tmp_path / "w.safetensors", {"architecture": architecture_of_model("sfd2").layout})
    with pytest.raises(WeightsError, match=r"do not fit the SFD2 network.*conv1a\.0\.weight has shape"):
        read_weights(tmp_path / "w.safetensors")


def test_layout_that_is_not_known_is_rejected_with_the_known_ones(tmp_path: Path) -> None:
    save_file(dict(weights_of("sfd2-s").entries), tmp_path / "w.safetensors", {"architecture": "sfd2-s-v9"})
    with pytest.raises(WeightsError, match="'sfd2-s-v9'; known are 'sfd2-resseg-v2', 'sfd2-m-resseg-v1', 'sfd2-s-v1'"):
        read_weights(tmp_path / "w.safetensors")


def test_model_that_is_not_known_is_rejected_with_the_known_ones() -> None:
    assert [one.model for one in architectures()] == list(MODELS)
    with pytest.raises(ConfigError, match="model 'sfd3' is not known; allowed: 'sfd2', 'sfd2-m', 'sfd2-s'"):
        architecture_of_model("sfd3")


def test_weights_of_two_models_have_no_mean() -> None:
    half = weights_of("sfd2-m")
    with pytest.raises(WeightsError, match="differ in model: sfd2-m, sfd2-s"):
        average([half, replace(weights_of("sfd2-s"), dimension=half.dimension)])


def test_light_network_is_aligned_at_sizes_that_are_no_multiple_of_its_deepest_step() -> None:
    """At 40 rows the sixteenths are 3 and the 32nds 2: what is enlarged again must stay over what it came from."""
    network, image = network_of("sfd2-s"), torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        whole, part = network(image).descriptors, network(image[:, :, :56]).descriptors
    inner = (slice(None), slice(None), slice(0, 4))
    cosine = (whole[inner] * part[inner]).sum(1)
    assert cosine.min() > 0.99
