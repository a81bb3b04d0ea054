# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from sfd2_ros.user_cache import cache_folder, machine_name, precision_cache


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, Path("/c/sfd2_ros")),
        ({"HOME": "/h"}, Path("/h/.cache/sfd2_ros")),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, Path("/h/.cache/sfd2_ros")),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, Path("/h/.cache/sfd2_ros")),
        ({}, None),
        ({"HOME": ""}, None),
    ],
)
def test_the_cache_folder_is_that_of_the_user(environment: dict[str, str], expected: Path | None) -> None:
    assert cache_folder(environment) == expected


def test_a_limit_of_instructions_makes_another_machine() -> None:
    assert machine_name({}) == machine_name({"HOME": "/h"})
    assert machine_name({}) != machine_name({"ONEDNN_MAX_CPU_ISA": "AVX2"})
    assert machine_name({"ONEDNN_MAX_CPU_ISA": "SSE41"}) != machine_name({"ONEDNN_MAX_CPU_ISA": "AVX2"})


def test_times_are_kept_in_the_cache_folder_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = precision_cache()
    assert cache is not None
    assert cache.path == tmp_path / "sfd2_ros" / "precision.json"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert precision_cache() is None
