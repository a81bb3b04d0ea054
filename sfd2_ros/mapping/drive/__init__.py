# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A consistent, metric, level map of a robot's own drive, whose odometry drifts."""
