# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the package tells the libraries that start threads, before they are loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def told_to_torch(**environment: str) -> str:
    """Return what the runtime of torch's threads says of itself in a process that imports the package first."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-c", "import sfd2_ros, torch; torch.ones(9).sum()"]
    everything = kept | {"OMP_DISPLAY_ENV": "verbose"} | environment
    return subprocess.run(command, env=everything, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize(
    ("environment", "spins"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
)
def test_waiting_threads_leave_the_processor_to_others_unless_told_otherwise(
    environment: dict[str, str], spins: str
) -> None:
    told = told_to_torch(**environment)
    if "GOMP_SPINCOUNT" not in told:
        pytest.skip("this build of torch runs its threads by another library than libgomp")
    assert f"GOMP_SPINCOUNT = '{spins}'" in told
