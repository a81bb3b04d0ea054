# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where tests find photographs, and which prerequisites may be missing.

`SFD2_DATA` names the folder with `data/`, `golden/` and `weights/`; without it, `../shared` beside the checkout is
looked at. `SFD2_REQUIRE=ros,gpu,data` turns a missing prerequisite from a skip into a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def skip_without() -> Callable[[str, str], None]:
    """Return a call (kind, reason) that skips, or fails where SFD2_REQUIRE names that kind of prerequisite."""
    return _skip_without


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with `data/`, `golden/` and `weights/`, or skip."""
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("SFD2_DATA", default))
    if not (folder / "data").is_dir():
        _skip_without("data", f"no photographs at {folder}; set SFD2_DATA to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def data_dir(shared_dir: Path) -> Path:
    """Return the folder with `scenes/`, `drives/`, ..., or skip."""
    return shared_dir / "data"


def _skip_without(kind: str, reason: str) -> None:
    if kind in os.environ.get("SFD2_REQUIRE", "").split(","):
        pytest.fail(f"SFD2_REQUIRE names {kind!r}, but {reason}")
    pytest.skip(reason)
