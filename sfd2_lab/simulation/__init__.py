# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Streets that render themselves, with ground truth."""

from sfd2_lab.simulation.demo_drives import write_demo_drives
from sfd2_lab.simulation.drive import DriveConfig, Frame, World, render_drive

__all__ = ["DriveConfig", "Frame", "World", "render_drive", "write_demo_drives"]
