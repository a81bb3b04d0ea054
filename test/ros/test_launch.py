# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files: read as text everywhere, loaded and run where ROS has `launch`."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "launch"
FEATURES = {"weights", "cameras", "image_reliability", "params_file", "use_sim_time", "autostart", "namespace"}
LOCALIZE = FEATURES | {"map", "publish", "rviz", "composed", "browser", "fusion"}
REPLAY = (LOCALIZE | {"bag", "rate", "loop", "clock", "wait"}) - {"use_sim_time"}
ARGUMENTS = {
    "localize": LOCALIZE,
    "features": FEATURES,
    "replay": REPLAY,
    "robotcar": REPLAY,  # its own and, for it includes replay.launch.py, the others too
}


@pytest.fixture
def launch(skip_without: Callable[[str, str], None]) -> None:
    """Skip unless launch_ros is installed and this package is in the index of installed packages."""
    if importlib.util.find_spec("launch_ros") is None:
        skip_without("launch", "launch_ros is not installed; it comes with a native ROS 2 and not with the wheels")


DECLARING = ["launch/localize.launch.py", "launch/replay.launch.py", "launch/robotcar.launch.py"]
DECLARING += ["sfd2_ros/ros/launching.py"]
# Stands in place of a node: writes how it was called, and waits for its end.
PUPPET = """#!/usr/bin/env python3
import pathlib, signal, sys
pathlib.Path(__file__).with_suffix(".called").write_text("\\n".join(sys.argv[1:]))
code = pathlib.Path(__file__).with_suffix(".code")
if code.exists():
    sys.exit(int(code.read_text()))
signal.sigwait([signal.SIGINT, signal.SIGTERM])
"""


@pytest.mark.parametrize("name", DECLARING)
def test_every_argument_is_described_and_switches_have_choices(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
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


class Stage:
    """A prefix of installed packages with puppets in place of our nodes and of rviz2."""

    def __init__(self, folder: Path, packages: dict[str, tuple[str, ...]]) -> None:
        self.folder = folder
        for package, executables in packages.items():
            (folder / "share" / "ament_index" / "resource_index" / "packages").mkdir(parents=True, exist_ok=True)
            (folder / "share" / "ament_index" / "resource_index" / "packages" / package).touch()
            (folder / "lib" / package).mkdir(parents=True)
            (folder / "share" / package).mkdir(parents=True)
            for executable in executables:
                path = folder / "lib" / package / executable
                path.write_text(PUPPET)
                path.chmod(0o755)
        for name in ("launch", "config"):
            shutil.copytree(ROOT / name, folder / "share" / "sfd2_ros" / name)

    def launch(
        self, *arguments: str, home: str = "/nowhere", code: int = 0, calls: tuple[str, ...] = (), until: str = ""
    ) -> str:
        """Launch localize.launch.py until the puppets have been called and words printed, and return its output."""
        prefixes = f"{self.folder}{os.pathsep}{os.environ['AMENT_PREFIX_PATH']}"
        log = self.folder / "launch.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                ["ros2", "launch", "sfd2_ros", "localize.launch.py", *arguments],
                env={**os.environ, "AMENT_PREFIX_PATH": prefixes, "HOME": home, "ROS_LOG_DIR": str(self.folder)},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            if calls:
                paths = [self.called(executable) for executable in calls]
                wait_until(lambda: all(path.exists() for path in paths) and until in log.read_text(), process)
                process.send_signal(signal.SIGINT)
            assert process.wait(90) == code, log.read_text()
        finally:
            process.kill()
        return log.read_text()

    def called(self, executable: str) -> Path:
        """Return the file that an executable writes its arguments to."""
        (folder,) = [each for each in (self.folder / "lib").iterdir() if (each / executable).exists()]
        return folder / f"{executable}.called"

    def fail(self, executable: str, code: int) -> None:
        """Have an executable end at once."""
        self.called(executable).with_suffix(".code").write_text(str(code))


NODES = ("feature_node", "localizer_node", "composed_nodes", "view_node")


@pytest.fixture
def make_stage(launch: None, tmp_path: Path, skip_without: Callable[[str, str], None]) -> Callable[..., Stage]:
    """Return a call that makes a stage with our nodes, and with rviz2 on request."""
    if shutil.which("ros2") is None:
        skip_without("launch", "the command ros2 is not installed")

    def make(*, has_rviz: bool = False) -> Stage:
        return Stage(tmp_path / "prefix", {"sfd2_ros": NODES} | ({"rviz2": ("rviz2",)} if has_rviz else {}))

    return make


@pytest.mark.ros
def test_arguments_reach_the_nodes_and_those_not_given_leave_the_file_alone(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    given = ["map:=~/x", "image_reliability:=reliable", "autostart:=false", "cameras:=left, right"]
    stage.launch(*given, home="/a home", calls=("feature_node", "localizer_node"))
    features, localizer = (stage.called(name).read_text() for name in ("feature_node", "localizer_node"))
    assert 'image_reliability:="reliable"' in features
    assert "image_reliability" not in localizer
    assert 'map:="/a home/x"' in localizer
    for called in (features, localizer):
        assert "autostart:=false" in called
        assert 'cameras:=["left", "right"]' in called
        assert "use_sim_time" not in called


@pytest.mark.ros
def test_rviz_gets_namespace_camera_and_sim_time_from_arguments_and_file(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = make_stage(has_rviz=True)
    path = tmp_path / "own.yaml"
    path.write_text('/**:\n  ros__parameters:\n    use_sim_time: true\n    cameras: ["mast/left", "right"]\n')
    given = ["map:=/m", "rviz:=true", "namespace:=robot1", f"params_file:={path}"]
    stage.launch(*given, calls=("feature_node", "localizer_node", "rviz2"))
    rviz = stage.called("rviz2").read_text().splitlines()
    assert "/camera/features/image:=/robot1/mast/left/features/image" in rviz
    assert "/localizer_node/map_points:=/robot1/localizer_node/map_points" in rviz
    parameters = Path(rviz[rviz.index("--params-file") + 1])
    assert "use_sim_time: true" in parameters.read_text()
    assert "use_sim_time" not in stage.called("localizer_node").read_text()


def test_every_topic_that_rviz_shows_is_moved_with_the_namespace() -> None:
    source = (FOLDER / "localize.launch.py").read_text("utf-8")
    topics = re.findall(r"Value: /(\S+)", (ROOT / "config" / "sfd2.rviz").read_text("utf-8"))
    assert len(topics) >= 7
    for topic in topics:
        assert topic.rpartition("/")[2] in source, topic


@pytest.mark.ros
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["params_file:=/nowhere/p.yaml"], "params_file is '/nowhere/p.yaml', and there is no such file"),
        (["rviz:=true"], "rviz:=true needs rviz2, which is not installed"),
    ],
)
def test_what_cannot_be_launched_is_one_sentence_before_any_process(
    make_stage: Callable[..., Stage], arguments: list[str], words: str, skip_without: Callable[[str, str], None]
) -> None:
    stage = make_stage()
    if "rviz" in words and shutil.which("rviz2"):
        skip_without("launch", "rviz2 is installed")
    output = stage.launch("map:=/m", *arguments, code=2)
    assert words in output
    assert "Traceback" not in output
    assert "process started" not in output
    assert not list(stage.folder.rglob("*.called"))


@pytest.mark.ros
@pytest.mark.parametrize(("code", "expected"), [(1, 1), (0, 0)])
def test_all_processes_end_with_a_node_that_ends(make_stage: Callable[..., Stage], code: int, expected: int) -> None:
    stage = make_stage(has_rviz=True)
    stage.fail("localizer_node", code)
    output = stage.launch("map:=/m", "rviz:=true", code=expected)
    assert output.count("process started") == 3
    assert output.count("process has finished cleanly") + output.count("process has died") == 3
    assert (f"localizer_node ended with exit code {code}" in output) == bool(code)


@pytest.mark.ros
def test_robot_goes_on_when_rviz_is_closed(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(has_rviz=True)
    stage.fail("rviz2", 1)
    called = ("feature_node", "localizer_node", "rviz2")
    output = stage.launch("map:=/m", "rviz:=true", calls=called, until="process has died")
    assert output.index("process has died") < output.index("user interrupted")


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[bytes], timeout_s: float = 90.0) -> None:
    """Wait for a condition as long as a process runs."""
    import time

    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, "ros2 launch ended"
        assert time.monotonic() < deadline, "condition did not come true in time"
        time.sleep(0.1)
