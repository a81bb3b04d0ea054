# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names of the networks that a user can ask for; importable without torch."""

from __future__ import annotations

MODELS = ("sfd2", "sfd2-m", "sfd2-s")
"""Names of the networks, the largest first."""
OTHER_MODELS = ("aliked-n16", "aliked-n16+stability")
"""Networks of others; the second takes the stability from the shipped SFD2 network."""
AUTO = "auto"
"""The largest shipped model that runs at the wanted rate."""
MODEL_CHOICES = ("", AUTO, *MODELS, *OTHER_MODELS)
"""What a user can ask for; "" is the model of the weights file, or the shipped `sfd2`."""
RATE_HZ = 2.0
"""Wanted rate of `AUTO`: odometry bridges half a second. Not tuned."""
