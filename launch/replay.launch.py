# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replay a rosbag2 at the nodes: localize.launch.py on the bag's clock, and the bag."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

PACKAGE = "sfd2_ros"


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, start the nodes and play the bag."""
    share = FindPackageShare(PACKAGE)
    localize = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "localize.launch.py"])),
        launch_arguments={
            "map": LaunchConfiguration("map"),
            "cameras": LaunchConfiguration("cameras"),
            "rviz": LaunchConfiguration("rviz"),
            "use_sim_time": "true",
        }.items(),
    )
    # Our own player waits for the nodes before the first message, and works where there is no `ros2 bag`.
    player = ExecuteProcess(
        cmd=[
            PathJoinSubstitution([FindPackagePrefix(PACKAGE), "lib", PACKAGE, "sfd2"]),
            "play",
            LaunchConfiguration("bag"),
            "--clock",
            "--rate",
            LaunchConfiguration("rate"),
            "--wait",
            "60",
        ],
        output="screen",
    )
    return LaunchDescription([*_arguments(), localize, player])


def _arguments() -> list[DeclareLaunchArgument]:
    """Declare the arguments."""
    return [
        DeclareLaunchArgument("bag", description="Folder of the rosbag2."),
        DeclareLaunchArgument("map", description="Folder of the map, made by `sfd2 map build`."),
        DeclareLaunchArgument(
            "cameras",
            default_value="camera/front",
            description="Names of the cameras in the bag, by commas; their images are on <camera>/image_raw.",
        ),
        DeclareLaunchArgument("rate", default_value="1.0", description="2.0 plays twice as fast as recorded."),
        DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start rviz2 too."),
    ]
