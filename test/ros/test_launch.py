# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files: read as text everywhere, loaded and run where ROS has `launch`."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "launch"
LOCALIZE = {"map", "weights", "cameras", "params_file", "publish", "rviz", "use_sim_time", "namespace", "composed"}
LOCALIZE |= {"browser", "fusion"}
REPLAY = (LOCALIZE | {"bag", "rate", "loop", "clock", "wait"}) - {"use_sim_time"}
ARGUMENTS = {
    "localize": LOCALIZE,
    "features": {"weights", "cameras", "params_file", "use_sim_time", "namespace"},
    "replay": REPLAY,
    "robotcar": REPLAY,  # its own and, for it includes replay.launch.py, the others too
}


@pytest.fixture
def launch(skip_without: Callable[[str, str], None]) -> None:
    """Skip unless launch_ros is installed and this package is in the index of installed packages."""
    if importlib.util.find_spec("launch_ros") is None:
        skip_without("launch", "launch_ros is not installed; it comes with a native ROS 2 and not with the wheels")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_is_described_and_switches_have_choices(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.launch.py").read_text("utf-8"))
    declared = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "DeclareLaunchArgument"
    ]
    assert len(declared) >= 5
    for call in declared:
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert "description" in keywords, ast.unparse(call)
        assert keywords.get("default_value") not in ("'true'", "'false'") or "choices" in keywords, ast.unparse(call)


@pytest.mark.ros
@pytest.mark.usefixtures("launch")
def test_launch_files_declare_the_arguments_that_users_were_promised() -> None:
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    declared = {
        name: get_launch_description_from_python_launch_file(str(FOLDER / f"{name}.launch.py")).get_launch_arguments()
        for name in ARGUMENTS
    }
    assert {name: {argument.name for argument in found} for name, found in declared.items()} == ARGUMENTS


@pytest.mark.ros
@pytest.mark.data
@pytest.mark.usefixtures("launch", "ros_domain")
@pytest.mark.parametrize("composed", ["false", "true"])
def test_localize_launch_starts_the_nodes_with_the_given_arguments(
    small_map: Path, tmp_path: Path, composed: str, skip_without: Callable[[str, str], None]
) -> None:
    if shutil.which("ros2") is None:
        skip_without("launch", "the command ros2 is not installed")
    log = tmp_path / "launch.log"
    given = [f"map:={small_map}", "cameras:=left, right", "publish:=map_to_base", "fusion:=false", "namespace:=robot"]
    command = ["ros2", "launch", "sfd2_ros", "localize.launch.py", *given, f"composed:={composed}"]
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: log.read_text().count("active") >= 2, process)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    output = log.read_text()
    assert "[robot.feature_node]: active" in output
    assert "[robot.localizer_node]: active" in output
    assert output.count("cameras=('left', 'right')") == 2
    assert "publish='map_to_base'" in output
    assert output.count("process has finished cleanly") == (1 if composed == "true" else 2)
    assert "Traceback" not in output
    assert code == 0


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[bytes], timeout_s: float = 90.0) -> None:
    """Wait for a condition as long as a process runs."""
    import time

    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, "ros2 launch ended"
        assert time.monotonic() < deadline, "condition did not come true in time"
        time.sleep(0.1)
