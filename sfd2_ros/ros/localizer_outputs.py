# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that localizer_node publishes of a frame and of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry, Path
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.msg import LocalizationStatus
from sfd2_ros.ros.broadcaster import Broadcaster
from sfd2_ros.ros.conversions.maps import cloud_message, frustum_marker, inliers_marker, matches_marker
from sfd2_ros.ros.conversions.poses import (
    header_at,
    odometry_message,
    pose_stamped_message,
    pose_with_covariance_message,
    transform_message,
)
from sfd2_ros.ros.qos import latched, reliable

if TYPE_CHECKING:
    from geometry_msgs.msg import TransformStamped
    from rclpy.node import Node

    from sfd2_ros.localization import Localized
    from sfd2_ros.mapping import Map
    from sfd2_ros.ros.frame_localizer import FrameResult
    from sfd2_ros.ros.node_config import LocalizerNodeConfig

FRUSTUM_DEPTH_M = 1.0
"""Of a camera in rviz."""
MAX_POINTS = 1_000_000
"""Landmarks on ~/map_points, at the most, evenly chosen: a message of 16 MB."""
INLIER_SIZE_M = 0.08
"""Of a landmark in rviz: larger than the map's points."""
MATCH_WIDTH_M = 0.01
"""Of a line of sight in rviz."""


class LocalizerOutputs:
    """The publishers of localizer_node.

    Args:
        node: to publish with.
        config: at the start.

    Attributes:
        transforms: broadcasts map to odom, or map to base.
    """

    def __init__(self, node: Node, config: LocalizerNodeConfig) -> None:
        self._status = node.create_publisher(LocalizationStatus, "~/status", reliable())
        self._pose = node.create_publisher(PoseWithCovarianceStamped, "~/pose", reliable())
        self._fused_pose = node.create_publisher(PoseWithCovarianceStamped, "~/fused_pose", reliable())
        self._odometry = node.create_publisher(Odometry, "~/odometry", reliable())
        self._path = node.create_publisher(Path, "~/path", reliable())
        self._points = node.create_publisher(PointCloud2, "~/map_points", latched())
        self._markers = node.create_publisher(MarkerArray, "~/markers", reliable())
        self.transforms = Broadcaster(node, config)
        self._trail = Path()

    def publish_map(self, map_: Map, frame: str, now_ns: int) -> None:
        """Publish the landmarks of a newly loaded map, and begin a new path."""
        header = header_at(now_ns, frame)
        self._trail = Path(header=header)
        shown = slice(None, None, max(1, -(-len(map_.landmarks) // MAX_POINTS)))
        landmarks = map_.landmarks
        self._points.publish(cloud_message(header, landmarks.positions[shown], landmarks.stability[shown]))

    def publish_status(self, status: LocalizationStatus) -> None:
        """Publish what became of a frame."""
        self._status.publish(status)

    def publish_pose(
        self, frame: FrameResult, pose: Localized, map_frame: str, config: LocalizerNodeConfig, map_: Map
    ) -> None:
        """Publish a measured pose as TF, pose, odometry, path and markers.

        Args:
            frame: that was localized.
            pose: its result.
            map_frame: name of the map's frame.
            config: frames, and which transform to broadcast.
            map_: of the landmarks.
        """
        edge = broadcast_transform(frame, pose, map_frame, config)
        if edge is not None:
            self.transforms.broadcast(edge)
        header = header_at(frame.stamp_ns, map_frame)
        self._pose.publish(pose_with_covariance_message(header, pose))
        if frame.fused is not None:
            self._fused_pose.publish(pose_with_covariance_message(header, frame.fused.base))
        self._odometry.publish(odometry_message(header, config.base_frame, pose))
        self._trail.header = header
        self._trail.poses.append(pose_stamped_message(header, pose.map_from_base))
        del self._trail.poses[: -config.path_length]
        if self._path.get_subscription_count() > 0:
            self._path.publish(self._trail)
        if self._markers.get_subscription_count() > 0:
            inliers = map_.landmarks.positions[pose.evidence.inlier_landmarks]
            frustums = [frustum_marker(header, place, camera, FRUSTUM_DEPTH_M) for place, camera in frame.cameras]
            for number, frustum in enumerate(frustums):
                frustum.id = number
            cameras = [place for place, _ in frame.cameras]
            lines = matches_marker(header, cameras, inliers, MATCH_WIDTH_M)
            points = inliers_marker(header, inliers, INLIER_SIZE_M)
            self._markers.publish(MarkerArray(markers=[*frustums, points, lines]))


def broadcast_transform(
    frame: FrameResult, pose: Localized, map_frame: str, config: LocalizerNodeConfig
) -> TransformStamped | None:
    """Return the transform that the settings ask for, or None.

    map to odom changes slowly, and is stamped so that it holds until the next one. map to base_link is the pose at the
    stamp of the image and nothing else: stamped later, TF would have the robot arrive late by that time.
    """
    if frame.map_from_odom is not None:
        stamp_ns = frame.stamp_ns + int(config.transform_tolerance_s * NS_PER_S)
        return transform_message(stamp_ns, map_frame, config.odom_frame, frame.map_from_odom)
    if config.publish == "map_to_base":
        return transform_message(frame.stamp_ns, map_frame, config.base_frame, pose.map_from_base)
    return None
