# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Extract local features of camera images: feature_node alone."""

from __future__ import annotations

import json

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription(
        [
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
                default_value=PathJoinSubstitution([FindPackageShare("sfd2_ros"), "config", "localize.yaml"]),
                description="Parameters of the node. The arguments weights and cameras go before it.",
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                choices=["true", "false"],
                description="Take the time from /clock.",
            ),
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of node and relative topics."),
            OpaqueFunction(function=start_node),
        ]
    )


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the process of the node."""
    weights = LaunchConfiguration("weights").perform(context)
    cameras = LaunchConfiguration("cameras").perform(context)
    arguments = ["-p", f"weights:={json.dumps(weights)}"] if weights else []
    if cameras:
        arguments += ["-p", f"cameras:={json.dumps([camera.strip() for camera in cameras.split(',')])}"]
    return [
        Node(
            package="sfd2_ros",
            executable="feature_node",
            namespace=LaunchConfiguration("namespace"),
            ros_arguments=[
                "--params-file",
                LaunchConfiguration("params_file"),
                "-p",
                ["use_sim_time:=", LaunchConfiguration("use_sim_time")],
                *arguments,
            ],
            output="screen",
        )
    ]
