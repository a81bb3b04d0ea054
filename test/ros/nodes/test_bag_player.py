# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 play` as a process: what was recorded is what arrives."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
S = 1_000_000_000
START_NS = 1_600_000_000 * S
CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)


def picture(number: int) -> np.ndarray:
    return np.full((48, 64, 3), number, np.uint8)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of one second: ten images with intrinsics and transforms, and a static transform."""
    path = tmp_path_factory.mktemp("bags") / "drive"
    with open_bag(path) as writer:
        writer.static_transforms(START_NS, [("base_link", "cam", rigid(np.eye(3), [1, 2, 3]))])
        for number in range(10):
            time_ns = START_NS + number * S // 10
            writer.transforms(time_ns, [("odom", "base_link", rigid(np.eye(3), [number, 0, 0]))])
            writer.camera_info("/cam/camera_info", time_ns, "cam", CAMERA)
            writer.image("/cam/image_raw", time_ns, "cam", picture(number))
    return path


@pytest.fixture
def play(ros_domain: int, bag: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a call that starts `sfd2 play` on the bag."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sfd2_ros.tools.main", "play", str(bag), *arguments]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Ears:
    """Subscriptions to what the bag holds."""

    def __init__(self, probe: Any) -> None:
        from sensor_msgs.msg import Image
        from tf2_msgs.msg import TFMessage

        from sfd2_ros.ros.qos import reliable, static_transforms, transforms

        self.probe = probe
        self.images = probe.listen(Image, "/cam/image_raw", reliable(50))
        self.tf = probe.listen(TFMessage, "/tf", transforms())
        self.tf_static = probe.listen(TFMessage, "/tf_static", static_transforms())

    def stamps(self) -> list[int]:
        from sfd2_ros.bags.read_poses import stamp_ns

        return [stamp_ns(image.header.stamp) for image in self.images]


def test_everything_recorded_arrives_with_its_stamps(probe: Any, play: Any) -> None:
    ears = Ears(probe)
    process = play("--rate", "2")
    probe.until(lambda: len(ears.images) == 10 and len(ears.tf) == 10 and ears.tf_static, 60.0)
    assert ears.stamps() == [START_NS + number * S // 10 for number in range(10)]
    assert [image.data[0] for image in ears.images] == list(range(10))
    assert ears.tf[-1].transforms[0].transform.translation.x == 9.0
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "31 messages published" in output


def test_restamped_bag_happens_now_at_the_rate_asked_for(probe: Any, play: Any) -> None:
    from sfd2_ros.bags.read_poses import stamp_ns

    ears = Ears(probe)
    begun = probe.now_ns()
    play("--restamp", "--rate", "2")
    probe.until(lambda: len(ears.images) == 10 and len(ears.tf) == 10, 60.0)
    stamps = ears.stamps()
    assert begun < stamps[0] < stamps[-1] <= probe.now_ns()
    np.testing.assert_allclose(np.diff(stamps), S / 20, atol=2)
    assert [stamp_ns(message.transforms[0].header.stamp) for message in ears.tf] == stamps


def test_clock_runs_with_the_bag(probe: Any, play: Any) -> None:
    from rosgraph_msgs.msg import Clock

    from sfd2_ros.bags.read_poses import stamp_ns
    from sfd2_ros.ros.qos import reliable

    clocks = probe.listen(Clock, "/clock", reliable(1000))
    ears = Ears(probe)
    play("--clock", "--rate", "2")
    probe.until(lambda: len(ears.images) == 10, 60.0)
    times = [stamp_ns(message.clock) for message in clocks]
    assert times == sorted(times)
    assert START_NS <= times[0] < times[-1] <= START_NS + S
    assert len(times) > 20


def test_loop_begins_again_until_interrupted(probe: Any, play: Any) -> None:
    ears = Ears(probe)
    process = play("--loop", "--rate", "10")
    probe.until(lambda: len(ears.images) > 25, 60.0)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "Traceback" not in output
    assert ears.stamps()[10] == START_NS


def test_wrong_use_and_missing_bags_end_with_code_and_reason(play: Any, ros_domain: int) -> None:
    process = play("--clock", "--restamp")
    assert "choose one" in process.communicate(timeout=30)[0]
    assert process.returncode == 2
    command = [sys.executable, "-m", "sfd2_ros.tools.main", "play", "/nowhere"]
    missing = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert missing.returncode == 1
    assert missing.stderr.startswith("sfd2: error: bag '/nowhere' does not exist")


def test_bag_without_listeners_is_played_all_the_same(play: Any) -> None:
    process = play("--wait", "0.5", "--rate", "10")
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert "31 messages published" in output
