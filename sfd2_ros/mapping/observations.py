# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What each image of a reconstruction saw of its points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.geometry.colmap_types import camera_from_colmap, keypoints_from_colmap, matrix_from_rigid3d
from sfd2_ros.geometry.projection import image_jacobian

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera


@dataclass(frozen=True, eq=False)
class Seen:
    """What one image saw.

    Attributes:
        camera: its intrinsics.
        cam_from_map: (4, 4).
        rows: (M,) which points.
        keypoints: (M, 2) where, pixels.
        in_camera: (M, 3) the points in the camera's frame.
    """

    camera: Camera
    cam_from_map: NDArray[np.float64]
    rows: NDArray[np.int64]
    keypoints: NDArray[np.float64]
    in_camera: NDArray[np.float64]

    def by_point(self) -> NDArray[np.float64]:
        """Return (M, 2, 3) how the keypoints move with the points in the map."""
        return image_jacobian(self.camera, self.in_camera) @ self.cam_from_map[:3, :3]


def seen_in(
    reconstruction: Any, image_id: int, positions: NDArray[np.float64], row_of_point: Mapping[int, int]
) -> Seen:
    """Return what an image of a pycolmap.Reconstruction saw of its points.

    Args:
        reconstruction: with poses.
        image_id: of the image.
        positions: (L, 3) the points.
        row_of_point: which row of `positions` a point is, by COLMAP's id.
    """
    image = reconstruction.image(image_id)
    cam_from_map = matrix_from_rigid3d(image.cam_from_world())
    points = [point for point in image.points2D if point.has_point3D()]
    rows = np.array([row_of_point[point.point3D_id] for point in points], np.int64)
    return Seen(
        camera=camera_from_colmap(reconstruction.camera(image.camera_id)),
        cam_from_map=cam_from_map,
        rows=rows,
        keypoints=keypoints_from_colmap(np.array([point.xy for point in points]).reshape(-1, 2)),
        in_camera=positions[rows] @ cam_from_map[:3, :3].T + cam_from_map[:3, 3],
    )
