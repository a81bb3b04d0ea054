# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps and what is seen of them as messages for rviz: a point cloud and markers."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING

import numpy as np
from geometry_msgs.msg import Point
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from sfd2_ros.ros.conversions.poses import pose_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from std_msgs.msg import Header

    from sfd2_ros.core.types import Camera

GREEN = ColorRGBA(r=0.2, g=0.9, b=0.3, a=1.0)
FAINT_GREEN = ColorRGBA(r=0.2, g=0.9, b=0.3, a=0.25)
ORANGE = ColorRGBA(r=1.0, g=0.6, b=0.1, a=1.0)


def cloud_message(header: Header, positions: NDArray[np.float64], stability: NDArray[np.float32]) -> PointCloud2:
    """Make the cloud of a map's landmarks: x, y, z in metres, and stability 0 to 1.

    Args:
        header: frame of the map.
        positions: (L, 3).
        stability: (L,).
    """
    values = np.column_stack([positions, stability]).astype("<f4")
    data = array.array("B")
    data.frombytes(values.tobytes())
    names = ("x", "y", "z", "stability")
    return PointCloud2(
        header=header,
        height=1,
        width=len(values),
        fields=[
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, name in enumerate(names)
        ],
        is_bigendian=False,
        point_step=16,
        row_step=16 * len(values),
        is_dense=bool(np.isfinite(values).all()),
        data=data,
    )


def frustum_marker(header: Header, map_from_cam: NDArray[np.float64], camera: Camera, depth_m: float) -> Marker:
    """Make the outline of what a camera sees, cut off at a depth in metres."""
    left, right = -camera.cx / camera.fx, (camera.width - 1 - camera.cx) / camera.fx
    top, bottom = -camera.cy / camera.fy, (camera.height - 1 - camera.cy) / camera.fy
    corners = [
        _point(depth_m * np.array([x, y, 1.0])) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    marker = Marker(header=header, ns="camera", id=0, type=Marker.LINE_LIST, action=Marker.ADD, color=ORANGE)
    marker.pose = pose_message(map_from_cam)
    marker.scale.x = 0.02 * depth_m
    for i, corner in enumerate(corners):
        marker.points.extend([Point(), corner, corner, corners[(i + 1) % 4]])
    return marker


def inliers_marker(header: Header, positions: NDArray[np.float64], size_m: float) -> Marker:
    """Make the landmarks that the last pose agrees with.

    Args:
        header: frame of the map.
        positions: (N, 3) in it.
        size_m: side of a point, metres.
    """
    marker = Marker(header=header, ns="inliers", id=0, type=Marker.POINTS, action=Marker.ADD, color=GREEN)
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = size_m
    marker.points = [_point(position) for position in positions]
    return marker


def matches_marker(
    header: Header, map_from_cams: Sequence[NDArray[np.float64]], positions: NDArray[np.float64], width_m: float
) -> Marker:
    """Make lines of sight from the cameras to the landmarks that the last pose agrees with.

    Args:
        header: frame of the map.
        map_from_cams: poses of the cameras' optical frames, at least one.
        positions: (N, 3) landmarks; each is joined to the camera that looks most nearly at it.
        width_m: of a line, metres.
    """
    marker = Marker(header=header, ns="matches", id=0, type=Marker.LINE_LIST, action=Marker.ADD, color=FAINT_GREEN)
    marker.pose.orientation.w = 1.0
    marker.scale.x = width_m
    centres = np.array([pose[:3, 3] for pose in map_from_cams])
    axes = np.array([pose[:3, 2] for pose in map_from_cams])
    towards = positions[:, None] - centres
    cosines = np.einsum("nci,ci->nc", towards, axes) / np.maximum(np.linalg.norm(towards, axis=2), 1e-9)
    for position, camera in zip(positions, np.argmax(cosines, axis=1), strict=True):
        marker.points.extend([_point(centres[camera]), _point(position)])
    return marker


def _point(position: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in position)
    return Point(x=x, y=y, z=z)
