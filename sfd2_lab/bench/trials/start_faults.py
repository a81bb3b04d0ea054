# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that a node meets when it starts, and signals at any moment: it must report the cause and end cleanly."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.node_process import NodeProcess
from sfd2_lab.bench.demo.ros_domain import private_domain
from sfd2_lab.bench.demo.running_nodes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_S = 120.0
SIGNAL_AFTER_S = (0.5, 1.5, 4.0)


def run_start_faults(
    map_folder: Path, log_folder: Path, on_fault: Callable[[str], None] = lambda _name: None
) -> list[dict[str, Any]]:
    """Start nodes that cannot run, and interrupt nodes that start.

    Args:
        map_folder: a good map; a damaged copy is made of it.
        log_folder: for what the nodes print, and the copy.
        on_fault: called with the name of each fault.

    Returns:
        A row each; a node survives these by ending with a code and one line that says why. Nothing recovers by
        itself: recovery_s is None.
    """
    damaged = log_folder / "damaged_map_at_start"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(map_folder, damaged)
    (damaged / "landmark_positions.npy").write_bytes(b"nonsense")
    wrong_use: list[tuple[str, str, dict[str, Any], str]] = [
        ("map missing", "localizer_node", {"map": "/nowhere/map", "device": "cpu"}, "does not exist"),
        ("map damaged", "localizer_node", {"map": str(damaged), "device": "cpu"}, "landmark_positions.npy"),
        ("device that does not exist", "feature_node", {"device": "cuda:77"}, "cuda"),
        ("weights missing", "feature_node", {"weights": "/nowhere/weights.safetensors", "device": "cpu"}, "/nowhere"),
    ]
    rows = []
    with private_domain():
        for name, executable, parameters, words in wrong_use:
            on_fault(name)
            with NodeProcess(executable, parameters, log=log_folder / f"{_file(name)}.log") as node:
                code = node.wait(START_S)
                output = node.output()
            right = code == 1 and words in output and "Traceback" not in output
            said = next((line for line in output.splitlines() if words in line), node.last_lines(1))
            rows.append(row(name, survived=right, observed=f"exit code {code}: {said}"))
        on_fault("SIGINT at any moment")
        rows.append(_interrupt(log_folder))
    return rows


def row(name: str, *, survived: bool, observed: str, recovery_s: float | None = None) -> dict[str, Any]:
    """Return one row of the table."""
    seconds = None if recovery_s is None or recovery_s == float("inf") else round(recovery_s, 3)
    return {"fault": name, "survived": survived, "observed": observed, "recovery_s": seconds}


def _interrupt(log_folder: Path) -> dict[str, Any]:
    """Interrupt a feature node at several moments of its start, and when it runs."""
    found = []
    for moment in (*SIGNAL_AFTER_S, None):
        log = log_folder / f"sigint_{moment or 'active'}.log"
        with NodeProcess("feature_node", {"device": "cpu", "cameras": ["camera"]}, log=log) as node:
            if moment is None:
                wait_until(lambda process=node: "]: active" in process.output(), START_S)  # type: ignore[misc]
            else:
                time.sleep(moment)
            code = node.stop(signal.SIGINT)
            found.append((moment, code, "Traceback" in node.output()))
    words = ", ".join(
        f"{'when active' if moment is None else f'after {moment} s'}: exit code {code}{' with a traceback' * traced}"
        for moment, code, traced in found
    )
    return row(
        "SIGINT at any moment", survived=all(code == 0 and not traced for _, code, traced in found), observed=words
    )


def _file(name: str) -> str:
    return name.replace(" ", "_")
