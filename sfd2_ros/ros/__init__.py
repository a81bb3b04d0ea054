# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes: the only home of rclpy and messages."""
