# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from sfd2_lab.bench.demo import node_process
from sfd2_lab.bench.demo.node_process import NodeProcess, command_of
from sfd2_ros.core.errors import DependencyError

ENDS_ON_SIGNAL = (
    "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(0)); print('ready', flush=True); time.sleep(60)"
)
IGNORES_SIGNALS = "import signal, time; signal.signal(2, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
WORKS = "import time\nwhile time.process_time() < 0.3: pass\nprint('ready', flush=True); time.sleep(60)"
FAILS = "import sys; print('no such map'); sys.exit(3)"


def start(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> NodeProcess:
    monkeypatch.setattr(node_process, "command_of", lambda _: [sys.executable, "-c", program])
    return NodeProcess("feature_node", {"cameras": ["a"]}, log=folder / "logs" / "node.log")


def wait_until_ready(node: NodeProcess) -> None:
    deadline = time.monotonic() + 20
    while "ready\n" not in node.output():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_parameters_are_given_as_yaml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with start(monkeypatch, tmp_path, "print('ready')") as node:
        assert node.command[-3:] == ["--ros-args", "-p", 'cameras:=["a"]']


def test_process_is_ended_with_its_block_and_its_output_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with start(monkeypatch, tmp_path, ENDS_ON_SIGNAL) as node:
        wait_until_ready(node)
        node.check()
    assert node.stop() == 0
    assert node.output() == "ready\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_processor_time_is_that_of_the_process_and_not_of_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with start(monkeypatch, tmp_path, WORKS) as node:
        wait_until_ready(node)
        spent = node.processor_seconds()
        time.sleep(0.2)
        assert 0.28 <= spent <= 3.0
        assert node.processor_seconds() <= spent + 0.1


def test_process_that_does_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(node_process, "STOP_S", 0.2)
    node = start(monkeypatch, tmp_path, IGNORES_SIGNALS)
    wait_until_ready(node)
    assert node.stop() == -signal.SIGKILL


def test_process_that_ended_is_reported_with_its_code_and_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = start(monkeypatch, tmp_path, FAILS)
    assert node.wait(20) == 3
    with pytest.raises(DependencyError, match=r"(?s)feature_node ended with exit code 3.*no such map"):
        node.check()


def test_installed_executable_goes_before_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert command_of("feature_node") == [sys.executable, "-m", "sfd2_ros.ros.feature_node"]
    installed = tmp_path / "lib" / "sfd2_ros" / "feature_node"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert command_of("feature_node") == [sys.executable, str(installed)]
