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


def without_unobserved_keypoints(reconstruction: Any) -> Any:
    """Return a copy of a reconstruction whose images keep only the keypoints that belong to a point."""
    small = pycolmap.Reconstruction()
    for camera in reconstruction.cameras.values():
        small.add_camera_with_trivial_rig(camera)
    new_index: dict[tuple[int, int], int] = {}
    for image_id, image in reconstruction.images.items():
        if not image.has_pose:
            continue
        seen = [index for index, point in enumerate(image.points2D) if point.has_point3D()]
        new_index.update({(image_id, old): new for new, old in enumerate(seen)})
        points = [pycolmap.Point2D(image.points2D[index].xy) for index in seen]
        copy = pycolmap.Image(name=image.name, points2D=points, camera_id=image.camera_id, image_id=image_id)
        small.add_image_with_trivial_frame(copy, image.cam_from_world())
    for point_id, point in reconstruction.points3D.items():
        track = pycolmap.Track(
            [
                pycolmap.TrackElement(one.image_id, new_index[one.image_id, one.point2D_idx])
                for one in point.track.elements
            ]
        )
        small.add_point3D_with_id(
            point_id, pycolmap.Point3D(xyz=point.xyz, color=point.color, error=point.error, track=track)
        )
    return small
