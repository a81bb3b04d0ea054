# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features import checkpoint
from sfd2_ros.features.key_map import PARAMETER_OF
from sfd2_ros.features.network import Sfd2Network
from sfd2_ros.features.weights import (
    SHIPPED_WEIGHTS,
    Weights,
    build_network,
    identify,
    in_half_precision,
    read_weights,
    weights_of_network,
    write_weights,
)

Entries = dict[str, torch.Tensor]


class Marker:
    """Writes a file when it is unpickled by something that executes pickles."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], Path], tuple[str]]:
        return touch, (str(self.path),)


def touch(path: str) -> Path:
    Path(path).touch()
    return Path(path)


def save(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)
    return path


@pytest.fixture
def entries(small_weights: Weights) -> Entries:
    return dict(small_weights.entries)


def test_shipped_weights_say_what_they_are(shipped_weights: Weights) -> None:
    assert shipped_weights.dimension == 128
    assert "CamVid" not in shipped_weights.training
    assert "taught by weights/aliked-n16.pth" in shipped_weights.training
    assert shipped_weights.terms.startswith("open: ")
    assert "Singapore Open Data Licence version 1.0" in shipped_weights.terms  # its notice must stay with the weights
    assert (SHIPPED_WEIGHTS.parent / "README.md").is_file()


def test_shorter_weights_ship_beside_them_under_the_same_terms(shipped_weights: Weights) -> None:
    short = read_weights(SHIPPED_WEIGHTS.with_name("sfd2_open_64d.safetensors"))
    assert (short.dimension, short.terms) == (64, shipped_weights.terms)
    assert "descriptors whitened from sfd2-64d-" in short.training


def test_light_weights_name_whose_answers_they_learned_and_carry_the_notices(shipped_weights: Weights) -> None:
    light = read_weights(SHIPPED_WEIGHTS.with_name("sfd2_s_open.safetensors"))
    assert (light.architecture.model, light.dimension) == ("sfd2-s", 64)
    assert "answers of sfd2-64d-00360bce612b" in light.training
    assert set(shipped_weights.terms.split("; ")) <= set(light.terms.split("; "))


def test_identity_has_the_documented_form_and_never_changes(shipped_weights: Weights) -> None:
    assert shipped_weights.weights_id == "sfd2-128d-a071582c10c2"


@pytest.mark.parametrize("dimension", [32, 64, 128])
def test_descriptor_dimension_is_read_from_the_entries(dimension: int, tmp_path: Path) -> None:
    weights = weights_of_network(Sfd2Network(dimension), training="none", terms="none")
    write_weights(tmp_path / "w.safetensors", weights)
    found = read_weights(tmp_path / "w.safetensors")
    assert found.dimension == dimension
    assert found.weights_id.startswith(f"sfd2-{dimension}d-")


def test_written_weights_are_read_back_bit_by_bit(tmp_path: Path, small_weights: Weights) -> None:
    write_weights(tmp_path / "w.safetensors", small_weights)
    found = read_weights(tmp_path / "w.safetensors")
    assert found.weights_id == small_weights.weights_id
    assert (found.training, found.terms) == ("none", "none")
    assert all(torch.equal(found.entries[name], small_weights.entries[name]) for name in PARAMETER_OF)


def test_network_that_is_built_has_the_weights(small_weights: Weights) -> None:
    network = build_network(small_weights)
    again = weights_of_network(network, training="none", terms="none")
    assert again.weights_id == small_weights.weights_id
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_identity_does_not_depend_on_container_order_or_exact_copies(tmp_path: Path, entries: Entries) -> None:
    expected = identify(entries)
    backwards = {name: entries[name].float() for name in reversed(entries)}
    assert identify(backwards) == expected
    assert read_weights(save(tmp_path, backwards)).weights_id == expected


def test_identity_ignores_counters_of_training_steps(entries: Entries) -> None:
    counters = [name for name in entries if name.endswith("num_batches_tracked")]
    counted = {**entries, **{name: torch.tensor(77) for name in counters}}
    assert len(counters) == 17
    assert identify(counted) == identify(entries)


@pytest.mark.parametrize("name", ["conv1a.0.weight", "conv4.1.bn2.running_var", "ConvSta.bias"])
def test_identity_changes_with_one_value(name: str, entries: Entries) -> None:
    changed = entries[name].clone()
    changed.view(-1)[-1] += 0.25
    assert identify({**entries, name: changed}) != identify(entries)


def test_identity_changes_when_rounding_does(entries: Entries, small_weights: Weights) -> None:
    fine = {
        name: tensor.float() * (1 + 1e-6) if tensor.is_floating_point() else tensor for name, tensor in entries.items()
    }
    precise = replace(small_weights, entries=fine, weights_id=identify(fine))
    assert in_half_precision(precise).weights_id != precise.weights_id


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_checkpoint_with_training_arguments_is_read(wrapper: str, tmp_path: Path, entries: Entries) -> None:
    arguments = argparse.Namespace(lr=1e-4, gpu=[0, 1], root="/data", nested={"a": (1, 2)})
    path = save(tmp_path, {wrapper: entries, "args": arguments, "epoch": 39, "optimizer": {"state": {}}})
    assert read_weights(path).weights_id == identify(entries)


def test_checkpoint_of_a_parallel_module_is_read(tmp_path: Path, entries: Entries) -> None:
    path = save(tmp_path, {f"module.{name}": tensor for name, tensor in entries.items()})
    assert read_weights(path).weights_id == identify(entries)


def test_checkpoint_in_the_old_container_is_read(tmp_path: Path, entries: Entries) -> None:
    torch.save(entries, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert read_weights(tmp_path / "old.pth").weights_id == identify(entries)


def test_code_in_a_checkpoint_is_refused_and_not_executed(tmp_path: Path, entries: Entries) -> None:
    marker = tmp_path / "executed"
    path = save(tmp_path, {"model": entries, "args": Marker(marker)})
    with pytest.raises(WeightsError, match=r"hold '\S*touch', which only executing code could read"):
        read_weights(path)
    assert not marker.exists()


def test_what_the_checkpoint_asks_for_would_have_left_a_mark(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    function, arguments = Marker(marker).__reduce__()
    function(*arguments)
    assert marker.exists()


def test_any_other_class_in_a_checkpoint_is_refused_by_name(tmp_path: Path, entries: Entries) -> None:
    with pytest.raises(WeightsError, match=r"hold 'pathlib\S*PosixPath'"):
        read_weights(save(tmp_path, {"model": entries, "args": argparse.Namespace(root=Path("/data"))}))


def test_missing_and_unknown_entries_are_all_named(tmp_path: Path, entries: Entries) -> None:
    for name in ("conv1b.0.bias", "bn3b.0.running_var"):
        del entries[name]
    entries["convPc.weight"] = torch.zeros(3)
    entries["extra"] = torch.zeros(1)
    with pytest.raises(WeightsError) as caught:
        read_weights(save(tmp_path, entries))
    assert "missing conv1b.0.bias, bn3b.0.running_var" in str(caught.value)
    assert "unknown convPc.weight, extra" in str(caught.value)


def test_misshapen_entries_are_all_named_with_both_shapes(tmp_path: Path, entries: Entries) -> None:
    entries["convPb.weight"] = torch.zeros(64, 256, 1, 1)
    entries["conv1a.0.bias"] = torch.zeros(64, 1)
    with pytest.raises(WeightsError) as caught:
        read_weights(save(tmp_path, entries))
    assert "convPb.weight has shape (64, 256, 1, 1), expected (65, 256, 1, 1)" in str(caught.value)
    assert "conv1a.0.bias has shape (64, 1), expected (64,)" in str(caught.value)


@pytest.mark.parametrize("removed", sorted(PARAMETER_OF))
def test_every_entry_is_needed(removed: str, small_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: tensor for name, tensor in small_weights.entries.items() if name != removed}
    monkeypatch.setattr("sfd2_ros.features.weights.read_entries", lambda _: (kept, {}))
    with pytest.raises(WeightsError, match=f"missing {removed}"):
        read_weights(Path("any"))


def test_descriptor_dimension_that_is_not_known_is_refused(tmp_path: Path, entries: Entries) -> None:
    entries["convDb.weight"], entries["convDb.bias"] = torch.zeros(48, 256, 1, 1), torch.zeros(48)
    with pytest.raises(WeightsError, match="length 48, allowed: 128, 64, 32"):
        read_weights(save(tmp_path, entries))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused_by_name(value: float, tmp_path: Path, entries: Entries) -> None:
    entries["conv2a.0.weight"] = entries["conv2a.0.weight"].clone()
    entries["conv2a.0.weight"].view(-1)[100] = value
    with pytest.raises(WeightsError, match=r"conv2a\.0\.weight holds values that are not finite"):
        read_weights(save(tmp_path, entries))


def test_entries_of_another_type_are_refused_by_name(tmp_path: Path, entries: Entries) -> None:
    entries["conv2a.0.bias"] = torch.zeros(128, dtype=torch.int32)
    entries["conv2b.0.bias"] = torch.zeros(128).to_sparse()
    with pytest.raises(WeightsError, match=r"conv2a.0.bias is torch.int32.*conv2b.0.bias is .*sparse"):
        read_weights(save(tmp_path, entries))


def test_entries_that_are_no_tensors_are_refused_by_name(tmp_path: Path, entries: Entries) -> None:
    with pytest.raises(WeightsError, match="'epoch' are no tensors"):
        read_weights(save(tmp_path, {**entries, "epoch": 3}))


@pytest.mark.parametrize("content", [[1, 2], "text", {}, {1: torch.zeros(1)}, None])
def test_checkpoint_without_entries_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"checkpoint\.pth"):
        read_weights(save(tmp_path, content))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    "data", [b"", b"these are no weights", b"\xff" * 64, b"\x00" * 64, bytes(range(256)) * 20], ids=len
)
def test_file_that_holds_no_weights_is_refused(data: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=f"w{suffix}"):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_missing_file_and_folder_are_refused(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        read_weights(tmp_path / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(WeightsError, match="are no file"):
        read_weights(tmp_path / f"folder{suffix}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello world, this is text", r"are no checkpoint, they begin with b'hello wo'; give a \.safetensors file"),
        (b"\x80\x02 cut", r"are damaged or no checkpoint; give a \.safetensors file"),
        (b"PK\x03\x04 cut", r"are damaged or no checkpoint \(PytorchStreamReader failed .*\); give a"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_without_names_of_python(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=said) as caught:
        read_weights(tmp_path / "w.pth")
    assert "Error" not in str(caught.value)


def test_entries_of_another_network_are_named_in_part(tmp_path: Path) -> None:
    save_file({f"other{i}": torch.zeros(1) for i in range(40)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"unknown other0, other1, \S+, \S+, \S+ and 35 more") as caught:
        read_weights(tmp_path / "w.safetensors")
    assert len(str(caught.value)) < 500


def test_header_of_impossible_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}" + b" " * 100)
    with pytest.raises(WeightsError, match="damaged or no safetensors file"):
        read_weights(path)


def test_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAXIMUM_BYTES", 10)
    (tmp_path / "w.pth").write_bytes(b"x" * 11)
    with pytest.raises(WeightsError, match="11 bytes, at most 10"):
        read_weights(tmp_path / "w.pth")


def test_weights_of_another_architecture_are_refused(tmp_path: Path, entries: Entries) -> None:
    save_file(entries, tmp_path / "w.safetensors", {"architecture": "superpoint"})
    with pytest.raises(WeightsError, match="'superpoint'"):
        read_weights(tmp_path / "w.safetensors")
