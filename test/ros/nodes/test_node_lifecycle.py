# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the nodes start, wait and end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
START_S = 60.0
SIGNAL_IN_A_CONSTRUCTOR = """
import os, signal, sys, time, rclpy
from rclpy.node import Node
from sfd2_ros.ros.managed_node import run_nodes

def make_node():
    os.kill(os.getpid(), signal.SIGINT)
    while rclpy.ok():
        time.sleep(0.01)
    return Node("made_too_late")

sys.exit(run_nodes([make_node]))
"""


def appears(probe: Any, name: str) -> bool:
    return any(found == name for found, _ in probe.node.get_node_names_and_namespaces())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_feature_node_ends_cleanly_on_a_signal(probe: Any, start_node: Any, number: int) -> None:
    name = f"features_to_end_{number}"
    node = start_node("feature_node", name, cameras=[name], device="cpu")
    probe.until(lambda: node.check() or "]: active" in node.output(), START_S)
    assert node.stop(number) == 0
    assert "Traceback" not in node.output()


@pytest.mark.data
def test_localizer_node_ends_cleanly_on_a_signal(probe: Any, start_node: Any, small_map: Path) -> None:
    node = start_node("localizer_node", "localizer_to_end", map=str(small_map), cameras=["ending"], device="cpu")
    probe.until(lambda: node.check() or "]: active" in node.output(), START_S)
    assert node.stop(signal.SIGINT) == 0
    assert "Traceback" not in node.output()


def test_signal_while_loading_ends_cleanly_too(probe: Any, start_node: Any) -> None:
    node = start_node("feature_node", "features_in_a_hurry", cameras=["hurry"], device="cpu")
    probe.until(lambda: node.check() or appears(probe, "features_in_a_hurry"), START_S)
    assert node.stop(signal.SIGINT) == 0
    assert "Traceback" not in node.output()


def test_signal_while_a_node_is_made_ends_cleanly_too() -> None:
    done = subprocess.run([sys.executable, "-c", SIGNAL_IN_A_CONSTRUCTOR], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_parameter_file_that_is_missing_ends_the_node_with_one_sentence(start_node: Any) -> None:
    node = start_node("feature_node", "without_its_file", arguments=("--params-file", "/nowhere/p.yaml"))
    assert node.wait(START_S) == 2
    assert "/nowhere/p.yaml" in node.output()
    assert "Traceback" not in node.output()
    assert len([line for line in node.output().splitlines() if line.startswith("error: ")]) == 1


@pytest.mark.parametrize(
    ("executable", "parameters", "code", "words"),
    [
        ("feature_node", {"extractor.max_keypoint": 5}, 2, "unknown parameter 'extractor.max_keypoint'; known: "),
        ("feature_node", {"cameras": ["cam era"]}, 2, "setting 'cameras' has 'cam era'; allowed are letters"),
        ("feature_node", {"cameras": []}, 2, "an empty list is none to ROS"),
        ("feature_node", {"weights": "/nowhere/weights.safetensors"}, 1, "/nowhere/weights.safetensors"),
        ("feature_node", {"model": "sfd2-m"}, 1, "no weights of model 'sfd2-m' ship with this version"),
        ("localizer_node", {"map": "/nowhere/map"}, 1, "map '/nowhere/map' does not exist"),
    ],
)
def test_wrong_use_ends_the_node_with_a_code_and_a_reason(
    start_node: Any, executable: str, parameters: dict[str, Any], code: int, words: str
) -> None:
    node = start_node(executable, f"wrong_{code}_{abs(hash(words))}", **parameters)
    assert node.wait(START_S) == code
    assert words in node.output()
    assert "Traceback" not in node.output()


def test_lifecycle_manager_configures_activates_and_deactivates(probe: Any, start_node: Any) -> None:
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState, GetState
    from sensor_msgs.msg import Image

    node = start_node("feature_node", "managed", cameras=["managed"], device="cpu", autostart=False)
    probe.until(lambda: node.check() or appears(probe, "managed"), START_S)

    def state() -> str:
        return str(probe.call(GetState, "managed/get_state", GetState.Request()).current_state.label)

    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(probe.call(ChangeState, "managed/change_state", request).success)

    images = probe.node.create_publisher(Image, "managed/image_raw", 1)
    assert state() == "unconfigured"
    assert change(Transition.TRANSITION_CONFIGURE)
    assert state() == "inactive"
    assert images.get_subscription_count() == 0
    assert change(Transition.TRANSITION_ACTIVATE)
    probe.until(lambda: images.get_subscription_count() == 1)
    assert change(Transition.TRANSITION_DEACTIVATE)
    probe.until(lambda: images.get_subscription_count() == 0)
    assert change(Transition.TRANSITION_ACTIVATE)
    probe.until(lambda: images.get_subscription_count() == 1)
    for impossible in (Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_CONFIGURE, 99):
        assert not change(impossible)
        assert state() == "active"
    assert change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert not change(Transition.TRANSITION_CONFIGURE)
    assert state() == "finalized"
    assert node.stop(signal.SIGINT) == 0


def test_configure_fails_in_words_and_can_be_tried_again(probe: Any, start_node: Any) -> None:
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState, GetState

    node = start_node("localizer_node", "managed_localizer", map="/nowhere/map", autostart=False)
    probe.until(lambda: node.check() or appears(probe, "managed_localizer"), START_S)
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    for _ in range(2):
        assert not probe.call(ChangeState, "managed_localizer/change_state", request).success
        state = probe.call(GetState, "managed_localizer/get_state", GetState.Request()).current_state.label
        assert state == "unconfigured"
    probe.until(lambda: node.output().count("map '/nowhere/map' does not exist") == 2)


def test_parameters_are_described_with_their_limits(probe: Any, start_node: Any) -> None:
    from rcl_interfaces.srv import DescribeParameters

    node = start_node("feature_node", "described", autostart=False)
    probe.until(lambda: node.check() or appears(probe, "described"), START_S)
    request = DescribeParameters.Request(names=["extractor.max_keypoints", "image_transport", "cameras"])
    keypoints, transport, cameras = probe.call(DescribeParameters, "described/describe_parameters", request).descriptors
    assert (keypoints.integer_range[0].from_value, keypoints.integer_range[0].to_value) == (1, 65536)
    assert "Most keypoints" in keypoints.description
    assert keypoints.description.endswith("May be changed at any time.")
    assert transport.description.endswith("Read when the node is configured.")
    assert (keypoints.read_only, transport.read_only, cameras.read_only) == (False, False, True)
    assert transport.additional_constraints == "one of: raw, compressed"
    assert cameras.type == 9  # PARAMETER_STRING_ARRAY
