# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The executables set the environment of numpy's and torch's threads; an import changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfd2_ros.thread_environment import thread_environment

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")
NODES = ("feature_node", "localizer_node", "composed_nodes", "view_node")


def environment(**given: str) -> dict[str, str]:
    """Return the environment of this process without the settings, but for those that are given."""
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | given


def test_an_import_does_not_change_the_environment() -> None:
    code = (
        "import os; before = dict(os.environ); import sfd2_ros, sfd2_ros.core.types; assert before == dict(os.environ)"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, {"OPENBLAS_NUM_THREADS": "1", "GOMP_SPINCOUNT": "10000"}),
        ({"OPENBLAS_NUM_THREADS": "4"}, {"GOMP_SPINCOUNT": "10000"}),
        ({"GOMP_SPINCOUNT": "7"}, {"OPENBLAS_NUM_THREADS": "1"}),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, {"OPENBLAS_NUM_THREADS": "1"}),
    ],
)
def test_what_a_user_has_set_stays(given: dict[str, str], added: dict[str, str]) -> None:
    assert thread_environment(given) == added


def test_the_threads_of_torch_take_the_setting_of_the_command() -> None:
    code = "from sfd2_ros.tools.main import main; main(['--version']); import torch; torch.ones(9).sum()"
    command, given = [sys.executable, "-c", code], environment(OMP_DISPLAY_ENV="verbose")
    said = subprocess.run(command, env=given, capture_output=True, text=True, check=True).stderr
    if "GOMP_SPINCOUNT" not in said:
        pytest.skip("this build of torch runs its threads by another library than libgomp")
    assert "GOMP_SPINCOUNT = '10000'" in said


@pytest.mark.parametrize("name", NODES)
def test_an_executable_sets_the_environment_before_it_imports_its_node(name: str) -> None:
    text = (ROOT / "scripts" / name).read_text("utf-8")
    assert 0 < text.index("\nset_thread_environment()") < text.index(f"from sfd2_ros.ros.{name} import main")
