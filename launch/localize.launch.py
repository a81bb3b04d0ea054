# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Localize a robot in a map: feature_node and localizer_node, and rviz on request."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from sfd2_ros.ros.launching import (
    BOOLEANS,
    cameras_of,
    check_arguments,
    common_arguments,
    given,
    make_node,
    uses_sim_time,
)

BROWSER = "Serve a live view at http://127.0.0.1:8080/ for machines without rviz."
# Executable: the launch arguments that go before its params_file.
BOTH = ("cameras", "use_sim_time", "autostart")
FEATURES = ("weights", "image_reliability")
LOCALIZER = ("map", "publish", "fusion")
OVERRIDES = {
    "feature_node": (*BOTH, *FEATURES),
    "localizer_node": (*BOTH, *LOCALIZER),
    "composed_nodes": (*BOTH, *FEATURES, *LOCALIZER),
}
# Topics of config/sfd2.rviz that are relative to the namespace.
SHOWN = ("initialpose", *(f"localizer_node/{name}" for name in ("map_points", "path", "pose", "fused_pose", "markers")))


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    return LaunchDescription([*arguments(), OpaqueFunction(function=start)])


def arguments() -> list[DeclareLaunchArgument]:
    """Return the arguments: what to localize in which map, what to start, and what to broadcast."""
    return [
        DeclareLaunchArgument("map", description="Folder of the map, made by `sfd2 map build`."),
        *common_arguments(),
        DeclareLaunchArgument(
            "publish",
            default_value="",
            choices=["", "map_to_odom", "map_to_base", "none"],
            description="TF to broadcast; map_to_base is for a robot without odometry. Empty: as in params_file.",
        ),
        DeclareLaunchArgument(
            "fusion",
            default_value="",
            choices=["", *BOOLEANS],
            description="true: a smooth map to odom from measured poses and odometry. Empty: as in params_file.",
        ),
        DeclareLaunchArgument("rviz", default_value="false", choices=BOOLEANS, description="Start rviz2 too."),
        DeclareLaunchArgument("browser", default_value="false", choices=BOOLEANS, description=BROWSER),
        DeclareLaunchArgument(
            "composed", default_value="false", choices=BOOLEANS, description="Run both nodes in one process."
        ),
    ]


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the processes of the nodes, one each or one for both, and those that show what they publish."""
    check_arguments(context)
    executables = ["composed_nodes"] if given(context, "composed") == "true" else ["feature_node", "localizer_node"]
    nodes = [part for each in executables for part in make_node(context, each, OVERRIDES[each])]
    if given(context, "rviz") == "true":
        nodes.append(rviz(context))
    if given(context, "browser") == "true":
        nodes.append(browser(context))
    return nodes


def rviz(context: LaunchContext) -> Node:
    """Return rviz2 with this package's view of the first camera; the robot goes on when it is closed."""
    namespace = f"/{given(context, 'namespace').strip('/')}".rstrip("/")
    camera = cameras_of(context)[0]
    topics = {f"/{topic}": f"{namespace}/{topic}" for topic in SHOWN}
    topics["/camera/features/image"] = f"{'' if camera.startswith('/') else f'{namespace}/'}{camera}/features/image"
    return Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", PathJoinSubstitution([FindPackageShare("sfd2_ros"), "config", "sfd2.rviz"])],
        parameters=[{"use_sim_time": uses_sim_time(context)}],
        remappings=list(topics.items()),
    )


def browser(context: LaunchContext) -> Node:
    """Return view_node for the first camera."""
    return Node(
        package="sfd2_ros",
        executable="view_node",
        namespace=given(context, "namespace"),
        parameters=[{"use_sim_time": uses_sim_time(context), "camera": cameras_of(context)[0]}],
        output="screen",
    )
