# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one kind of error of the set-up."""

from __future__ import annotations


class SetupError(Exception):
    """Something is missing on this machine; the message is one line that says what, and the remedy."""
