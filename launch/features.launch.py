# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Extract local features of camera images: feature_node alone."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import OpaqueFunction

from sfd2_ros.ros.launching import check_arguments, common_arguments, make_node

OVERRIDES = ("weights", "cameras", "image_reliability", "use_sim_time", "autostart")


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription([*common_arguments(), OpaqueFunction(function=start_node)])


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the process of the node."""
    check_arguments(context)
    return make_node(context, "feature_node", OVERRIDES)
