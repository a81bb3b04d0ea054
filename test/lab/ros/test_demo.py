# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 demo` as users type it, on a few frames of a real drive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest

from sfd2_ros.core.transforms import inverse

pytestmark = [pytest.mark.ros, pytest.mark.data, pytest.mark.usefixtures("ros")]
TIMEOUT_S = 200


@pytest.fixture(scope="module")
def scene(drive: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a scene folder: six frames to map, four to replay."""
    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.colmap_io import write_posed_model

    folder = tmp_path_factory.mktemp("scene")
    (folder / "images").mkdir()
    (folder / "sparse").mkdir()
    posed = []
    for number, (image, camera, map_from_cam) in enumerate(drive):
        cv2.imwrite(str(folder / "images" / f"{number:02d}.png"), image[..., ::-1])
        posed.append(PosedImage(f"{number:02d}.png", camera, inverse(map_from_cam)))
    write_posed_model(folder / "sparse", posed)
    (folder / "map.txt").write_text("".join(f"{number:02d}.png\n" for number in range(0, 12, 2)))
    (folder / "query.txt").write_text("".join(f"{number:02d}.png\n" for number in range(1, 9, 2)))
    return folder


def demo_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sfd2_ros.tools.main", "demo", *map(str, arguments)]


def run_demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(demo_command(*arguments), capture_output=True, text=True, check=False, timeout=TIMEOUT_S)


def test_real_drive_is_localized_by_the_real_nodes(scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "demo"
    done = run_demo("-o", output, "--data", scene, "--device", "cpu", "--json", tmp_path / "copy.json")
    assert done.returncode == 0, done.stderr
    summary = json.loads((output / "summary.json").read_text())
    assert summary == json.loads((tmp_path / "copy.json").read_text())
    assert (summary["frames"], summary["localized"], summary["tf_messages"]) == (4, 4, 4)
    assert summary["recall"] == [1.0, 1.0, 1.0]
    assert summary["median_position_m"] < 0.1
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p95"]
    assert summary["map"]["images"] == 6
    assert [row["status"] for row in json.loads((output / "frames.json").read_text())] == ["localized"] * 4
    assert cv2.imread(str(output / "demo.png")) is not None
    assert "4, of them localized 4" in done.stdout
    logs = [(output / "logs" / f"{name}.log").read_text() for name in ("feature_node", "localizer_node")]
    assert not any("Traceback" in log for log in logs)


def test_interrupted_demo_leaves_no_node_behind(scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "demo"
    process = subprocess.Popen(demo_command("-o", output, "--data", scene, "--device", "cpu"), stderr=subprocess.PIPE)
    log = output / "logs" / "localizer_node.log"
    deadline = time.monotonic() + TIMEOUT_S
    while not (log.is_file() and "]: active" in log.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    nodes = [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    assert len(nodes) == 2
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert "Traceback" not in stderr
    for node in nodes:
        with pytest.raises(ProcessLookupError):
            os.kill(node, 0)
    assert not (output / "summary.json").exists()


def test_wrong_use_is_refused_before_any_work(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    cases = {
        ("-o", tmp_path / "a", "--data", tmp_path / "nowhere"): (1, "has no map.txt"),
        ("-o", tmp_path / "b", "--data", scene, "--condition", "night"): (2, "has its own light"),
        ("-o", tmp_path / "mine", "--data", scene): (1, "not of an earlier demo"),
        ("-o", tmp_path / "c", "--frames", "1"): (2, "--frames"),
        ("-o", tmp_path / "d", "--condition", "foggy"): (2, "unknown condition 'foggy'"),
    }
    for arguments, (code, words) in cases.items():
        done = run_demo(*arguments)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
