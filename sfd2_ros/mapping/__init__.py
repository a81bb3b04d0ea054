# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps: built from photographs, stored in one folder, searched by image."""

from __future__ import annotations

from sfd2_ros.mapping.builder import MapBuilder, MapReport
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.map_store import Map, load_map

__all__ = ["Map", "MapBuilder", "MapConfig", "MapReport", "load_map"]
