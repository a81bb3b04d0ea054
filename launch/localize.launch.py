# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Localize a robot in a map: feature_node and localizer_node, and rviz on request."""

from __future__ import annotations

import json

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

BOOLEANS = ["true", "false"]
BROWSER = "Serve a live view at http://127.0.0.1:8080/ for machines without rviz."
SHARE = FindPackageShare("sfd2_ros")
# Executable: the launch arguments that go before its params_file.
OVERRIDES = {
    "feature_node": ("weights", "cameras"),
    "localizer_node": ("map", "cameras", "publish", "fusion"),
    "composed_nodes": ("weights", "map", "cameras", "publish", "fusion"),
}


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    actions = [OpaqueFunction(function=start_nodes), rviz(), OpaqueFunction(function=browser)]
    return LaunchDescription([*inputs(), *choices(), *actions])


def inputs() -> list[DeclareLaunchArgument]:
    """Return the arguments that say what to localize, and in which map."""
    return [
        DeclareLaunchArgument("map", description="Folder of the map, made by `sfd2 map build`."),
        DeclareLaunchArgument(
            "weights",
            default_value="",
            description="Weights file. Empty: as params_file says, which is what ships.",
        ),
        DeclareLaunchArgument(
            "cameras",
            default_value="",
            description="Names of the cameras, by commas; topics are <camera>/image_raw and <camera>/camera_info. "
            "Empty: as params_file says, which is `camera`.",
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([SHARE, "config", "localize.yaml"]),
            description="Parameters of both nodes. What is given here goes before it.",
        ),
    ]


def choices() -> list[DeclareLaunchArgument]:
    """Return the arguments that say what to start, and what to broadcast."""
    return [
        DeclareLaunchArgument(
            "publish",
            default_value="",
            choices=["", "map_to_odom", "map_to_base", "none"],
            description="TF to broadcast; map_to_base is for a robot without odometry. Empty: as params_file says.",
        ),
        DeclareLaunchArgument(
            "fusion",
            default_value="",
            choices=["", *BOOLEANS],
            description="true: a smooth map to odom from measured poses and odometry. Empty: as params_file says.",
        ),
        DeclareLaunchArgument("rviz", default_value="false", choices=BOOLEANS, description="Start rviz2 too."),
        DeclareLaunchArgument("browser", default_value="false", choices=BOOLEANS, description=BROWSER),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", choices=BOOLEANS, description="Take the time from /clock."
        ),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of nodes and relative topics."),
        DeclareLaunchArgument(
            "composed", default_value="false", choices=BOOLEANS, description="Run both nodes in one process."
        ),
    ]


def rviz() -> Node:
    """Return rviz2 with this package's view, started when asked for."""
    return Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", PathJoinSubstitution([SHARE, "config", "sfd2.rviz"])],
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )


def browser(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return view_node for the first camera, when asked for."""
    if LaunchConfiguration("browser").perform(context) != "true":
        return []
    cameras = LaunchConfiguration("cameras").perform(context)
    camera = {"camera": cameras.split(",")[0].strip()} if cameras else {}
    return [
        Node(
            package="sfd2_ros",
            executable="view_node",
            namespace=LaunchConfiguration("namespace"),
            parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time"), **camera}],
            output="screen",
        )
    ]


def start_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the processes of the nodes: one each, or one for both."""
    is_composed = LaunchConfiguration("composed").perform(context) == "true"
    return [
        Node(
            package="sfd2_ros",
            executable=executable,
            namespace=LaunchConfiguration("namespace"),
            ros_arguments=[
                "--params-file",
                LaunchConfiguration("params_file"),
                "-p",
                ["use_sim_time:=", LaunchConfiguration("use_sim_time")],
                *overrides(context, executable),
            ],
            output="screen",
        )
        for executable in (["composed_nodes"] if is_composed else ["feature_node", "localizer_node"])
    ]


def overrides(context: LaunchContext, executable: str) -> list[str]:
    """Return ROS arguments that set the launch arguments that were given."""
    arguments = []
    for name in OVERRIDES[executable]:
        given = LaunchConfiguration(name).perform(context)
        if name == "fusion":
            setting = f"fusion.enabled:={given}"
        elif name == "cameras":
            setting = f"cameras:={json.dumps([camera.strip() for camera in given.split(',')])}"
        else:
            setting = f"{name}:={json.dumps(given)}"
        arguments += ["-p", setting] if given else []
    return arguments
