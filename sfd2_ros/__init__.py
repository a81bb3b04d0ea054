# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware visual localization (SFD2) for ROS 2."""

from __future__ import annotations

from pkgutil import extend_path

# The generated sfd2_ros.msg and sfd2_ros.srv lie in the ROS overlay; in a checkout they are found beside these modules.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
