# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files share: checks before any process starts, parameters of a file, processes that end together."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import DeclareLaunchArgument, RegisterEventHandler
from launch.actions import Shutdown as ShutDown
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from launch import LaunchContext, LaunchDescriptionEntity
    from launch.events.process import ProcessExited

WRONG_USE = 2
"""Exit code of a launch that was called wrongly; launch itself knows 0 and 1."""

PATHS = ("map", "weights", "params_file", "bag")
BOOLEANS = ["true", "false"]


def common_arguments() -> list[DeclareLaunchArgument]:
    """Return the arguments that each launch file of a node has."""
    share = FindPackageShare("sfd2_ros").find("sfd2_ros")
    return [
        DeclareLaunchArgument(
            "weights",
            default_value="",
            description="Weights file. Empty: that of params_file; default: the shipped one.",
        ),
        DeclareLaunchArgument(
            "cameras",
            default_value="",
            description="Names of the cameras, by commas; topics are <camera>/image_raw and <camera>/camera_info. "
            "Empty: those of params_file; default: `camera`.",
        ),
        DeclareLaunchArgument(
            "image_reliability",
            default_value="",
            choices=["", "auto", "best_effort", "reliable"],
            description="Reliability of the image subscriptions; auto: that of the publishers. Empty: as in "
            "params_file; default: auto.",
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=str(Path(share) / "config" / "localize.yaml"),
            description="YAML file with the parameters of the nodes. Launch arguments override it.",
        ),
        DeclareLaunchArgument(
            "use_sim_time",
            default_value="",
            choices=["", *BOOLEANS],
            description="Take the time from /clock. Empty: as in params_file; default: false.",
        ),
        DeclareLaunchArgument(
            "autostart",
            default_value="",
            choices=["", *BOOLEANS],
            description="false: wait for a lifecycle manager. Empty: as in params_file; default: true.",
        ),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of nodes and relative topics."),
    ]


def given(context: LaunchContext, name: str) -> str:
    """Return a launch argument, a path with its ~ expanded; empty when it was not given."""
    value = LaunchConfiguration(name, default="").perform(context)
    return str(Path(value).expanduser()) if value and name in PATHS else value


def cameras_of(context: LaunchContext) -> list[str]:
    """Return the names of the cameras that the nodes will have."""
    named = given(context, "cameras")
    if named:
        return [camera.strip() for camera in named.split(",")]
    found = in_params_file(context, "cameras")
    return [str(camera) for camera in found] if isinstance(found, list) and found else ["camera"]


def uses_sim_time(context: LaunchContext) -> bool:
    """Return whether the nodes will take the time from /clock."""
    value = given(context, "use_sim_time")
    return value == "true" if value else in_params_file(context, "use_sim_time") is True


def in_params_file(context: LaunchContext, name: str) -> Any:
    """Return a parameter of params_file, of the first node there that has it; None when none has."""
    content = yaml.safe_load(Path(given(context, "params_file")).read_text("utf-8"))
    sections = content.values() if isinstance(content, dict) else ()
    for section in sections:
        values = section.get("ros__parameters", {}) if isinstance(section, dict) else {}
        if isinstance(values, dict) and name in values:
            return values[name]
    return None


def check_arguments(context: LaunchContext) -> None:
    """End the launch before any of our processes starts when one of them could not.

    Raises:
        SystemExit: a file is missing or not YAML, or rviz2 is not installed; says which and what to do.
    """
    path = Path(given(context, "params_file"))
    if not path.is_file():
        _wrong_use(
            f"params_file is {str(path)!r}, and there is no such file; name a file of parameters, or leave it out"
        )
    try:
        yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        _wrong_use(f"params_file {str(path)!r} cannot be read as YAML ({' '.join(str(err).split())}); correct it")
    if given(context, "rviz") == "true":
        try:
            get_package_prefix("rviz2")
        except PackageNotFoundError:
            _wrong_use(
                "rviz:=true needs rviz2, which is not installed; install it (ROS package rviz2), or leave it out"
            )


def make_node(context: LaunchContext, executable: str, overrides: Sequence[str]) -> list[LaunchDescriptionEntity]:
    """Return the process of a node, and what ends the launch with it.

    Args:
        context: of the launch.
        executable: of this package.
        overrides: names of the launch arguments that go before params_file.
    """
    settings = [_setting(name, value) for name in overrides if (value := given(context, name))]
    node = Node(
        package="sfd2_ros",
        executable=executable,
        namespace=given(context, "namespace"),
        ros_arguments=[
            "--params-file",
            given(context, "params_file"),
            *[part for setting in settings for part in ("-p", setting)],
        ],
        output="screen",
    )
    ends_together = RegisterEventHandler(OnProcessExit(target_action=node, on_exit=_end_all(executable)))
    return [ends_together, node]


def _end_all(executable: str) -> Callable[[ProcessExited, LaunchContext], list[LaunchDescriptionEntity]]:
    """Return what shuts the launch down when a node has ended, with exit code 1 when the node failed."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        if event.returncode != 0:  # launch has no other way to an exit code than an exception
            raise RuntimeError(f"{executable} ended with exit code {event.returncode}; see its last lines")
        return [ShutDown(reason=f"{executable} has ended")]

    return on_exit


def _setting(name: str, value: str) -> str:
    """Return a launch argument as a ROS parameter."""
    if name == "cameras":
        return f"cameras:={json.dumps([camera.strip() for camera in value.split(',')])}"
    parameter = {"fusion": "fusion.enabled"}.get(name, name)
    return f"{parameter}:={value if value in BOOLEANS else json.dumps(value)}"


def _wrong_use(sentence: str) -> None:
    sys.stderr.write(f"sfd2_ros: error: {sentence}\n")
    raise SystemExit(WRONG_USE)
