# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replay a RobotCar sequence, made a bag by `sfd2 robotcar to-bag`, and localize its three cameras in a map."""

from __future__ import annotations

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

BOOLEANS = ["true", "false"]
# All are handed on to replay.launch.py under the same name.
NAMES = ("bag", "map", "cameras", "weights", "params_file", "rate", "clock", "rviz")


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start replay.launch.py with the topics of a RobotCar bag."""
    path = PathJoinSubstitution([FindPackageShare("sfd2_ros"), "launch", "replay.launch.py"])
    handed_on = {name: LaunchConfiguration(name) for name in NAMES}
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="The bag that `sfd2 robotcar to-bag` made."),
            DeclareLaunchArgument("map", description="Folder of the map, made from another sequence."),
            DeclareLaunchArgument(
                "cameras",
                default_value="camera/left,camera/rear,camera/right",
                description="Cameras of the bag that are localized, by commas.",
            ),
            DeclareLaunchArgument("weights", default_value="", description="Weights file. Empty: those that ship."),
            DeclareLaunchArgument(
                "params_file",
                default_value="",
                description="Parameters of both nodes; a bag of JPEG needs one with image_transport: compressed.",
            ),
            DeclareLaunchArgument(
                "rate", default_value="1.0", description="2.0 plays twice as fast; a slow machine wants less than 1."
            ),
            DeclareLaunchArgument(
                "clock",
                default_value="false",
                choices=BOOLEANS,
                description="true: play at the times of the recording. false: move the stamps to now.",
            ),
            DeclareLaunchArgument("rviz", default_value="true", choices=BOOLEANS, description="Start rviz2 too."),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(path), launch_arguments=handed_on.items()),
        ]
    )
