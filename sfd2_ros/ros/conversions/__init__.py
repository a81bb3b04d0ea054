# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and the values of `core.types`; every trap of the messages is met here."""
