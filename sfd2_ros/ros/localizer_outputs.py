# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that localizer_node publishes of a frame and of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry, Path
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.msg import LocalizationStatus
from sfd2_ros.ros.conversions.maps import cloud_message, frustum_marker, inliers_marker, matches_marker
from sfd2_ros.ros.conversions.poses import (
    header_at,
    odometry_message,
    pose_stamped_message,
    pose_with_covariance_message,
    transform_message,
)
from sfd2_ros.ros.qos import latched, reliable, transforms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rclpy.node import Node

    from sfd2_ros.mapping import Map
    from sfd2_ros.ros.frame_localizer import Fix
    from sfd2_ros.ros.node_config import LocalizerNodeConfig

FRUSTUM_DEPTH_M = 1.0
INLIER_SIZE_M = 0.08
MATCH_WIDTH_M = 0.01


class LocalizerOutputs:
    """The publishers of localizer_node.

    Args:
        node: to publish with.
        config: frames, and which transform to broadcast.
    """

    def __init__(self, node: Node, config: LocalizerNodeConfig) -> None:
        self._config = config
        self._status = node.create_publisher(LocalizationStatus, "~/status", reliable())
        self._pose = node.create_publisher(PoseWithCovarianceStamped, "~/pose", reliable())
        self._fused_pose = node.create_publisher(PoseWithCovarianceStamped, "~/fused_pose", reliable())
        self._odometry = node.create_publisher(Odometry, "~/odometry", reliable())
        self._path = node.create_publisher(Path, "~/path", reliable())
        self._points = node.create_publisher(PointCloud2, "~/map_points", latched())
        self._markers = node.create_publisher(MarkerArray, "~/markers", reliable())
        self._transforms = node.create_publisher(TFMessage, "/tf", transforms())
        self._trail = Path()

    def use(self, config: LocalizerNodeConfig) -> None:
        """Go on with changed settings."""
        self._config = config

    def publish_map(self, map_: Map, frame: str, now_ns: int) -> None:
        """Publish the landmarks of a newly loaded map, and begin a new path."""
        header = header_at(now_ns, frame)
        self._trail = Path(header=header)
        self._points.publish(cloud_message(header, map_.landmarks.positions, map_.landmarks.stability))

    def publish_status(self, status: LocalizationStatus) -> None:
        """Publish what became of a frame."""
        self._status.publish(status)

    def publish_fix(self, fix: Fix, frame: str, time_ns: int, inliers: NDArray[np.float64]) -> None:
        """Publish a measured pose as TF, pose, odometry, path and markers.

        Args:
            fix: the pose.
            frame: of the map.
            time_ns: stamp of the image.
            inliers: (N, 3) landmarks that agree with it.
        """
        self._broadcast(fix, frame, time_ns)
        header = header_at(time_ns, frame)
        self._pose.publish(pose_with_covariance_message(header, fix.base))
        if fix.fused is not None:
            self._fused_pose.publish(pose_with_covariance_message(header, fix.fused.base))
        self._odometry.publish(odometry_message(header, self._config.base_frame, fix.base))
        self._trail.header = header
        self._trail.poses.append(pose_stamped_message(header, fix.base.map_from_base))
        del self._trail.poses[: -self._config.path_length]
        if self._path.get_subscription_count() > 0:
            self._path.publish(self._trail)
        if self._markers.get_subscription_count() > 0:
            frustums = [frustum_marker(header, pose, camera, FRUSTUM_DEPTH_M) for pose, camera in fix.cameras]
            for number, frustum in enumerate(frustums):
                frustum.id = number
            cameras = [pose for pose, _ in fix.cameras]
            lines = matches_marker(header, cameras, inliers, MATCH_WIDTH_M)
            points = inliers_marker(header, inliers, INLIER_SIZE_M)
            self._markers.publish(MarkerArray(markers=[*frustums, points, lines]))

    def _broadcast(self, fix: Fix, frame: str, time_ns: int) -> None:
        """Broadcast the transform that the settings ask for, dated so that it holds until the next one."""
        dated_ns = time_ns + int(self._config.transform_tolerance_s * NS_PER_S)
        if fix.map_from_odom is not None:
            edge = transform_message(dated_ns, frame, self._config.odom_frame, fix.map_from_odom)
        elif self._config.publish == "map_to_base":
            edge = transform_message(dated_ns, frame, self._config.base_frame, fix.base.map_from_base)
        else:
            return
        self._transforms.publish(TFMessage(transforms=[edge]))
