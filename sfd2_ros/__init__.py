# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware visual localization (SFD2) for ROS 2."""

from __future__ import annotations

__version__ = "0.1.0"
