# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole path on one machine: drive, map, real nodes, score."""
