# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature copies of public data sets: simulated towns in the exact layout of each."""
