# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One extractor for all tests of mapping."""

from __future__ import annotations

import pytest

from sfd2_ros.features import Extractor, load_extractor


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return load_extractor(device="cpu")
