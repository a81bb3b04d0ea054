# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publish features of camera images: feature_node alone."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = "sfd2_ros"


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    params_file = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "localize.yaml"])
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "weights",
                default_value="",
                description="Weights file; empty: those of params_file, else those that ship.",
            ),
            DeclareLaunchArgument(
                "cameras",
                default_value="",
                description="Names of the cameras, by commas, such as front,rear; empty: those of params_file.",
            ),
            DeclareLaunchArgument(
                "image",
                default_value="image_raw",
                description="Topic of a camera's images below its name, such as image_raw or image_rect.",
            ),
            DeclareLaunchArgument(
                "params_file", default_value=params_file, description="Parameters of the node; copy it to change them."
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                choices=["true", "false"],
                description="Follow /clock, as in a replay.",
            ),
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node."),
            OpaqueFunction(function=_node),
        ]
    )


def _node(context: LaunchContext) -> list[Node]:
    """Make the node once the values of the arguments are known."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    cameras = [name.strip() for name in value("cameras").split(",") if name.strip()]
    given = {"use_sim_time": value("use_sim_time") == "true"}
    given |= {"cameras": cameras} if cameras else {}
    given |= {"weights": value("weights")} if value("weights") else {}
    remappings = [
        pair
        for camera in cameras or ["camera"]
        for pair in (
            (f"{camera}/image", f"{camera}/{value('image')}"),
            (f"{camera}/image/compressed", f"{camera}/{value('image')}/compressed"),
        )
    ]
    return [
        Node(
            package=PACKAGE,
            executable="feature_node",
            name="feature_node",
            namespace=value("namespace"),
            output="screen",
            parameters=[value("params_file"), given],
            remappings=remappings,
        )
    ]
