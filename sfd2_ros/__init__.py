# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware visual localization (SFD2) for ROS 2."""

from __future__ import annotations

import os
import sys

# The generated sfd2_ros.msg and sfd2_ros.srv lie in the ROS overlay; in a checkout they are found beside these modules.
# pkgutil.extend_path does the same after importing thirty modules, through which Ctrl-C would show a traceback.
_places = [f"{place}/{__name__}" for place in sys.path]
__path__ += [each for each in _places if each not in __path__ and os.access(f"{each}/__init__.py", os.R_OK)]

__version__ = "0.1.0"
