# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.utils.memory_format import convert_conv2d_weight_memory_format

from sfd2_ros.features import keypoints as kp
from sfd2_ros.features.inference import fold_norms
from sfd2_ros.features.key_map import PARAMETER_OF
from sfd2_ros.features.network import NetworkOutput, Sfd2Network, rectified
from sfd2_ros.features.semantics import load_stability_table

Arrays = dict[str, NDArray[np.floating]]
Entries = dict[str, torch.Tensor]
TOLERANCE = 1e-4
INFLUENTIAL = [name for name in sorted(PARAMETER_OF) if not name.endswith("num_batches_tracked")]


@pytest.fixture(scope="module")
def network(reference_entries: Entries) -> Sfd2Network:
    network = Sfd2Network()
    network.load_state_dict({PARAMETER_OF[name]: tensor for name, tensor in reference_entries.items()})
    convert_conv2d_weight_memory_format(network, torch.channels_last)  # for speed, the numbers are the same
    return network.eval()


def run(network: Sfd2Network, golden: Arrays) -> NetworkOutput:
    with torch.inference_mode():
        output: NetworkOutput = network(torch.from_numpy(golden["image"])[None])
    return output


def errors(output: NetworkOutput, golden: Arrays) -> dict[str, float]:
    """Largest deviations from the golden output; for the stability value the share of pixels that differ."""
    score = kp.detection_probability(output.detection_logits)[0].numpy()
    fine = kp.upsample_stability(output.stability_logits)
    value = kp.stability_value(output.stability_logits, load_stability_table().class_values)[0].numpy()
    return {
        "score": float(np.abs(score - golden["score"]).max()),
        "descriptors": float(np.abs(output.descriptors[0, :, ::2, ::2].numpy() - golden["descriptors"]).max()),
        "stability_value": float((value != golden["stability_value"]).mean()),
        # The golden probabilities are stored in half precision.
        "stability_prob": max(float(np.abs(fine.softmax(1)[0].numpy() - golden["stability_prob"]).max()) - 2.5e-4, 0.0),
    }


def test_network_has_the_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in Sfd2Network().parameters()) == 4_010_244


def test_key_map_names_every_entry_of_the_reference_and_every_own_parameter_once(
    reference_layout: dict[str, tuple[int, ...]],
) -> None:
    own = {name: tuple(tensor.shape) for name, tensor in Sfd2Network().state_dict().items()}
    assert set(PARAMETER_OF) == set(reference_layout)
    assert sorted(PARAMETER_OF.values()) == sorted(own)
    assert {name: own[PARAMETER_OF[name]] for name in PARAMETER_OF} == reference_layout


def test_network_equals_the_reference_output(network: Sfd2Network, golden: Arrays) -> None:
    found = errors(run(network, golden), golden)
    assert max(found.values()) <= TOLERANCE, found


def test_folded_network_equals_the_reference_output(network: Sfd2Network, golden: Arrays) -> None:
    found = errors(run(fold_norms(network), golden), golden)
    assert max(found.values()) <= TOLERANCE, found


def test_folded_heads_are_two_convolutions_each(network: Sfd2Network, golden: Arrays) -> None:
    folded = fold_norms(network)
    assert isinstance(folded.description.output, torch.nn.Identity)
    shared = torch.randn(1, 256, 12, 16, generator=torch.Generator().manual_seed(0))
    for head, merged in ((network.detection, folded.detection), (network.description, folded.description)):
        torch.testing.assert_close(merged(shared), head.eval()(shared), atol=1e-4, rtol=1e-4)


def test_rectified_is_relu_with_and_without_gradients_in_every_precision() -> None:
    values = torch.tensor([-3.0, -0.0, 0.0, 2.5, -1e-30, 1e30, float("inf"), -float("inf")]).reshape(1, 2, 2, 2)
    for precision in (torch.float32, torch.bfloat16, torch.float16):
        given = values.to(precision).contiguous(memory_format=torch.channels_last)
        expected = torch.relu(given)
        with torch.inference_mode():
            assert torch.equal(rectified(given.clone()), expected)
        learned = given.clone().requires_grad_()
        rectified(learned * 1).sum().backward()
        assert torch.equal(learned.grad, (expected > 0).to(precision))


def test_folding_leaves_the_original_as_it_was(network: Sfd2Network) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold_norms(network)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("name", INFLUENTIAL)
def test_golden_output_notices_a_change_of(name: str, network: Sfd2Network, golden: Arrays) -> None:
    tensor = network.get_parameter(PARAMETER_OF[name]) if "running" not in name else None
    tensor = network.get_buffer(PARAMETER_OF[name]) if tensor is None else tensor
    kept = tensor.detach().clone()
    with torch.no_grad():
        # Not a constant: neither softmax nor a normalised vector notices one that is added to all.
        tensor.add_(0.3 * tensor.abs().mean() * torch.linspace(-1, 1, tensor.numel()).view_as(tensor))
    try:
        found = errors(run(network, golden), golden)
    finally:
        with torch.no_grad():
            tensor.copy_(kept)
    assert max(found.values()) > 2 * TOLERANCE, found


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_stays_finite_and_close(precision: torch.dtype, network: Sfd2Network, golden: Arrays) -> None:
    with torch.autocast("cpu", dtype=precision):
        output = run(fold_norms(network), golden)
    assert output.detection_logits.dtype is precision
    cosine = (output.descriptors[0, :, ::2, ::2].numpy() * golden["descriptors"]).sum(0)
    score = kp.detection_probability(output.detection_logits)[0].numpy()
    assert np.isfinite(score).all()
    assert cosine.min() > 0.99
    # Random parameters give logits up to 60, where bfloat16 steps by a quarter; most pixels are still close.
    assert np.median(np.abs(score - golden["score"])) < 1e-3


@pytest.mark.parametrize("dimension", [32, 64, 128])
def test_network_gives_descriptors_of_the_dimension_that_is_asked_for(dimension: int) -> None:
    with torch.inference_mode():
        output = Sfd2Network(dimension).eval()(torch.zeros(2, 3, 16, 24))
    assert output.detection_logits.shape == (2, 65, 2, 3)
    assert output.descriptors.shape == (2, dimension, 4, 6)
    assert output.stability_logits.shape == (2, 3, 4, 6)
