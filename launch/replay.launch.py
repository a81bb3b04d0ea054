# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a rosbag2, and localize in a map what it shows, as on the robot that recorded it."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    UnsetLaunchConfiguration,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

from sfd2_ros.ros.launching import BOOLEANS, given

# Handed on to localize.launch.py when given; their defaults and descriptions are there.
HANDED_ON = (
    *("weights", "cameras", "image_reliability", "params_file", "publish", "fusion", "rviz", "browser", "namespace"),
    *("autostart", "composed"),
)


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, start the player, and the nodes when there is a map."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="The rosbag2: its folder, or an .mcap or .db3 file."),
            DeclareLaunchArgument(
                "map", default_value="", description="Folder of the map to localize in. Empty: the bag is played alone."
            ),
            DeclareLaunchArgument("rate", default_value="1.0", description="2.0 plays twice as fast."),
            DeclareLaunchArgument(
                "loop", default_value="false", choices=BOOLEANS, description="Begin again at the end."
            ),
            DeclareLaunchArgument(
                "clock",
                default_value="false",
                choices=BOOLEANS,
                description="true: play at the times of the recording, with /clock and use_sim_time. "
                "false: move the stamps to now.",
            ),
            DeclareLaunchArgument(
                "wait", default_value="60.0", description="Longest time to wait for subscribers, seconds."
            ),
            *[
                DeclareLaunchArgument(
                    name, default_value="", description=f"As {name} of localize.launch.py; empty: its default."
                )
                for name in HANDED_ON
            ],
            OpaqueFunction(function=start),
        ]
    )


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the player, whose end ends the launch, and the nodes."""
    has_clock = given(context, "clock") == "true"
    options = ["--clock" if has_clock else "--restamp"]
    if given(context, "loop") == "true":
        options.append("--loop")
    player = ExecuteProcess(
        cmd=[
            PathJoinSubstitution([FindPackagePrefix("sfd2_ros"), "lib", "sfd2_ros", "sfd2"]),
            "play",
            given(context, "bag"),
            "--rate",
            LaunchConfiguration("rate"),
            "--wait",
            LaunchConfiguration("wait"),
            *options,
        ],
        output="screen",
    )
    at_end = RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[EmitEvent(event=Shutdown())]))
    # The nodes first: what is wrong with their arguments ends the launch before anything runs.
    return [at_end, *localization(context, has_clock=has_clock), player]


def localization(context: LaunchContext, *, has_clock: bool) -> list[LaunchDescriptionEntity]:
    """Return localize.launch.py with the arguments that were given; nothing without a map."""
    values = {name: given(context, name) for name in ("map", *HANDED_ON)}
    if not values["map"]:
        return []
    chosen = {name: value for name, value in values.items() if value}
    chosen["use_sim_time"] = "true" if has_clock else "false"
    # An included file sees our arguments; an empty one would go before its own default.
    not_given = [UnsetLaunchConfiguration(name) for name, value in values.items() if not value]
    path = PathJoinSubstitution([FindPackageShare("sfd2_ros"), "launch", "localize.launch.py"])
    include = IncludeLaunchDescription(PythonLaunchDescriptionSource(path), launch_arguments=chosen.items())
    return [*not_given, include]
