# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights files cut short or with one bit flipped give the same weights or a typed error, never anything else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.weights import read_weights, write_weights

if TYPE_CHECKING:
    from sfd2_ros.features.weights import Weights

FUZZ = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def safetensors_bytes(small_weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    write_weights(path, small_weights)
    return path.read_bytes()


@pytest.fixture(scope="module")
def checkpoint_bytes(small_weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save({"model": dict(small_weights.entries), "args": argparse.Namespace(a=1)}, path)
    return path.read_bytes()


@given(share=st.floats(0, 1, exclude_max=True))
@FUZZ
def test_truncated_safetensors_file_is_refused(share: float, safetensors_bytes: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors_bytes[: int(share * len(safetensors_bytes))])
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        read_weights(path)


@given(share=st.floats(0, 1, exclude_max=True))
@FUZZ
def test_truncated_checkpoint_is_refused(share: float, checkpoint_bytes: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(checkpoint_bytes[: int(share * len(checkpoint_bytes))])
    with pytest.raises(WeightsError, match=r"w\.pth"):
        read_weights(path)


@given(place=st.integers(0, 1 << 62), bit=st.integers(0, 7))
@FUZZ
def test_flipped_bit_among_the_values_is_noticed(
    place: int, bit: int, safetensors_bytes: bytes, small_weights: Weights, tmp_path: Path
) -> None:
    data = bytearray(safetensors_bytes)
    start = 8 + int.from_bytes(data[:8], "little")
    index = start + place % (len(data) - start)
    data[index] ^= 1 << bit
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    try:
        found = read_weights(path)
    except WeightsError as err:
        assert "w.safetensors" in str(err)  # noqa: PT017 - the other outcome is checked too
    else:  # a counter of training steps, which nothing depends on
        assert found.weights_id == small_weights.weights_id


@given(place=st.integers(0, 20_000), bit=st.integers(0, 7))
@FUZZ
def test_flipped_bit_in_the_header_is_refused_or_harmless(
    place: int, bit: int, safetensors_bytes: bytes, small_weights: Weights, tmp_path: Path
) -> None:
    data = bytearray(safetensors_bytes)
    data[place % (8 + int.from_bytes(data[:8], "little"))] ^= 1 << bit
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    try:
        identity = read_weights(path).weights_id
    except WeightsError:
        identity = small_weights.weights_id
    assert identity == small_weights.weights_id


@given(place=st.integers(0, 1 << 62), bit=st.integers(0, 7), near_ends=st.booleans())
@FUZZ
def test_flipped_bit_in_a_checkpoint_gives_weights_or_a_typed_error(
    place: int,
    bit: int,
    near_ends: bool,  # noqa: FBT001
    checkpoint_bytes: bytes,
    tmp_path: Path,
) -> None:
    data = bytearray(checkpoint_bytes)
    index = place % (2 * 12_000) - 12_000 if near_ends else place % len(data)
    data[index] ^= 1 << bit
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    try:
        found = read_weights(path)
    except WeightsError as err:
        assert "w.pth" in str(err)  # noqa: PT017 - the other outcome is checked too
    else:
        assert found.dimension == 32
