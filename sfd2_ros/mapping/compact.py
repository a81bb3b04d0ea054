# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make a reconstruction small: drop poor points."""

from __future__ import annotations

from typing import Any


def drop_poor_points(reconstruction: Any, max_error_px: float) -> None:
    """Delete points with a mean reprojection error above `max_error_px`, in place."""
    reconstruction.update_point_3d_errors()
    for point_id in list(reconstruction.points3D):
        if not reconstruction.point3D(point_id).error <= max_error_px:
            reconstruction.delete_point3D(point_id)
