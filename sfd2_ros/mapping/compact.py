# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make a reconstruction small: drop poor points, and keypoints that saw no point."""

from __future__ import annotations

from typing import Any

import pycolmap


def drop_poor_points(reconstruction: Any, max_error_px: float) -> None:
    """Delete points with a mean reprojection error above `max_error_px`, in place."""
    reconstruction.update_point_3d_errors()
    for point_id in list(reconstruction.points3D):
        if not reconstruction.point3D(point_id).error <= max_error_px:
            reconstruction.delete_point3D(point_id)


def drop_unobserved_keypoints(reconstruction: Any) -> None:
    """Delete keypoints that belong to no point, in place; tracks follow."""
    new_index: dict[tuple[int, int], int] = {}
    for image_id, image in reconstruction.images.items():
        kept = pycolmap.Point2DList()
        for index, point in enumerate(image.points2D):
            if point.has_point3D():
                new_index[image_id, index] = len(kept)
                kept.append(pycolmap.Point2D(point.xy, point.point3D_id))
        image.points2D = kept
    for point in reconstruction.points3D.values():
        elements = [
            pycolmap.TrackElement(one.image_id, new_index[one.image_id, one.point2D_idx])
            for one in point.track.elements
        ]
        point.track = pycolmap.Track(elements)
