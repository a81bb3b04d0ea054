# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which weights `sfd2 localize` takes for a map."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sfd2_ros.core.errors import MapError
from sfd2_ros.features import ExtractorConfig
from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights
from sfd2_ros.tools.localize import extractor_for


def map_of(weights_id: str) -> Any:
    extraction = dataclasses.asdict(ExtractorConfig(max_keypoints=33))
    return SimpleNamespace(folder=Path("map"), weights_id=weights_id, extraction=extraction)


def test_shipped_weights_are_found_by_the_identity_in_the_map() -> None:
    short = read_weights(SHIPPED_WEIGHTS.with_name("sfd2_open_64d.safetensors")).weights_id
    for weights_id in (short, read_weights().weights_id):
        extractor = extractor_for(map_of(weights_id), None, "cpu")
        assert (extractor.weights_id, extractor.config.max_keypoints) == (weights_id, 33)


def test_weights_that_do_not_ship_must_be_named() -> None:
    with pytest.raises(MapError, match=r"was made with weights 'sfd2-64d-000000000000'.*--weights"):
        extractor_for(map_of("sfd2-64d-000000000000"), None, "cpu")
