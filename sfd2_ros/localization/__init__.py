# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From features and a map to a pose, or to a reason why there is none."""

from __future__ import annotations

from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.localizer import Localizer

__all__ = ["Localizer", "LocalizerConfig"]
