# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras, projection, and poses measured from matches of keypoints with points."""
