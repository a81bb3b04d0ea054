# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses against reference poses."""

from __future__ import annotations

from sfd2_ros.evaluation.metrics import THRESHOLDS, Scores, pose_error, score_poses

__all__ = ["THRESHOLDS", "Scores", "pose_error", "score_poses"]
