# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Localize a robot in a map: feature_node and localizer_node, and rviz when asked for.

Arguments that are not given leave the parameter to `params_file`, which by default holds the nodes' own defaults.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = "sfd2_ros"


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=["-d", PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "sfd2.rviz"])],
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*_inputs(), *_switches(), OpaqueFunction(function=_nodes), rviz])


def _inputs() -> list[DeclareLaunchArgument]:
    """Declare what is localized in which map."""
    params_file = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "localize.yaml"])
    return [
        DeclareLaunchArgument("map", description="Folder of the map, made by `sfd2 map build`."),
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
            "params_file",
            default_value=params_file,
            description="Parameters of both nodes; copy it to change them.",
        ),
    ]


def _switches() -> list[DeclareLaunchArgument]:
    """Declare what is published, and how the nodes run."""
    boolean = ["true", "false"]
    return [
        DeclareLaunchArgument(
            "publish",
            default_value="",
            choices=["", "map_to_odom", "map_to_base", "none"],
            description="TF that is broadcast (map_to_odom needs odometry on TF); empty: that of params_file.",
        ),
        DeclareLaunchArgument("rviz", default_value="false", choices=boolean, description="Start rviz2 too."),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", choices=boolean, description="Follow /clock, as in a replay."
        ),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes."),
        DeclareLaunchArgument(
            "composed", default_value="false", choices=boolean, description="Run both nodes in one process."
        ),
    ]


def _nodes(context: LaunchContext) -> list[Node]:
    """Make the nodes once the values of the arguments are known."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    cameras = [name.strip() for name in value("cameras").split(",") if name.strip()]
    shared = {"use_sim_time": value("use_sim_time") == "true"} | ({"cameras": cameras} if cameras else {})
    features = shared | _given(weights=value("weights"))
    localizer = shared | _given(map=value("map"), publish=value("publish"))
    remappings = [
        pair
        for camera in cameras or ["camera"]
        for pair in (
            (f"{camera}/image", f"{camera}/{value('image')}"),
            (f"{camera}/image/compressed", f"{camera}/{value('image')}/compressed"),
        )
    ]
    common = {"package": PACKAGE, "namespace": value("namespace"), "output": "screen"}
    file = value("params_file")
    if value("composed") == "true":
        # Parameters of one node reach the other too in one process; each declares and reads only its own.
        return [
            Node(executable="composed_nodes", parameters=[file, features | localizer], remappings=remappings, **common)
        ]
    return [
        Node(
            executable="feature_node",
            name="feature_node",
            parameters=[file, features],
            remappings=remappings,
            **common,
        ),
        Node(executable="localizer_node", name="localizer_node", parameters=[file, localizer], **common),
    ]


def _given(**values: str) -> dict[str, str]:
    """Keep the arguments that were given."""
    return {name: value for name, value in values.items() if value}
