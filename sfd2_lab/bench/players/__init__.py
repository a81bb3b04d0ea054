# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes that stand in for a robot: they play drives and faults to the real nodes, and record what these publish."""
