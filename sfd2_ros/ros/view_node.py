# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""view_node: what the nodes publish, in the viewer of rerun and in .rrd files, for machines without rviz."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from sfd2_ros.bags.image_messages import decode_image
from sfd2_ros.bags.read_poses import matrix_from_pose, stamp_ns
from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import ConfigError, ImageError, MessageError
from sfd2_ros.msg import LocalizationStatus
from sfd2_ros.ros.managed_node import ManagedNode, run_nodes
from sfd2_ros.ros.qos import latched, newest_only, reliable
from sfd2_ros.ros.view_recording import ViewRecording
from sfd2_ros.ros.web_viewer import WebViewer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

MAX_POINTS = 200_000
JPEG_QUALITY = 80
STATES = ("UNINITIALIZED", "RELOCALIZING", "TRACKING", "LOST")
POINT = np.dtype([("position", "<f4", 3), ("stability", "<f4")])


@dataclass(frozen=True)
class ViewNodeConfig:
    """Settings of view_node."""

    autostart: bool = setting(True, "Configure and activate at start; false: wait for a lifecycle manager.")
    host: str = setting("127.0.0.1", "Address to listen on; 127.0.0.1: this machine alone, 0.0.0.0: every network.")
    port: int = setting(8080, "Port of the page; 0 takes a free one.", minimum=0, maximum=65535)
    save: str = setting("", "File (.rrd) to write what is shown to; no page is served then. Empty: serve a page.")
    camera: str = setting("camera", "Camera whose annotated images are shown.")
    localizer: str = setting("localizer_node", "Name of the localizer node.")


class ViewNode(ManagedNode):
    """Listens to the nodes and shows what they publish; a message that cannot be shown is logged and left out."""

    def __init__(self, ignored: Mapping[str, type[Any]] | None = None) -> None:
        super().__init__("view_node", {"": ViewNodeConfig}, ignored)
        self._viewer: WebViewer | None = None
        self._recording: ViewRecording | None = None
        self._subscriptions_here: list[Any] = []

    def load(self) -> None:
        """Open the file, or serve the page."""
        config: ViewNodeConfig = self.settings[""]
        path = file_to_write(config.save)
        if path is None:
            self._viewer = WebViewer(config.host, config.port)
        self._recording = ViewRecording(save=path, viewer=self._viewer.address if self._viewer else "")
        self.get_logger().info(f"look at {self._viewer.url}" if self._viewer else f"writing {path}")

    def start(self) -> None:
        """Subscribe."""
        name, camera = self.settings[""].localizer, self.settings[""].camera
        for kind, topic, show, profile in (
            (LocalizationStatus, f"{name}/status", self._show_status, reliable()),
            (PoseWithCovarianceStamped, f"{name}/pose", self._show_pose, reliable()),
            (PointCloud2, f"{name}/map_points", self._show_points, latched()),
            (MarkerArray, f"{name}/markers", self._show_markers, reliable()),
            (Image, f"{camera}/features/image", self._show_drawing, newest_only("reliable")),
        ):
            self._subscriptions_here.append(self.create_subscription(kind, topic, self._shown(show), profile))

    def stop(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions_here:
            self.destroy_subscription(subscription)
        self._subscriptions_here = []

    def unload(self) -> None:
        """Close the file and the page."""
        if self._recording is not None:
            self._recording.close()
        if self._viewer is not None:
            self._viewer.close()
        self._recording = self._viewer = None

    def _shown(self, show: Callable[[ViewRecording, Any], None]) -> Callable[[Any], None]:
        """Return a callback that shows a message, or logs why it cannot be shown."""

        def on_message(message: Any) -> None:
            if self._recording is None:
                return
            try:
                header = getattr(message, "header", None)
                if header is not None:
                    self._recording.set_time(stamp_ns(header.stamp))
                show(self._recording, message)
            except (ImageError, MessageError) as err:
                self.get_logger().warning(f"message not shown: {err}", throttle_duration_sec=5.0)

        return on_message

    def _show_status(self, recording: ViewRecording, message: LocalizationStatus) -> None:
        state = STATES[message.state] if message.state < len(STATES) else f"state {message.state}"
        values = {
            "keypoints": message.num_keypoints,
            "matches": message.num_matches,
            "inliers": message.num_inliers,
            "error_px": message.reprojection_error_px,
            "latency_s": message.latency_s,
            "stddev_m": message.position_stddev_m,
            "stddev_deg": math.degrees(message.rotation_stddev_rad),
        }
        recording.log_status(state, message.status, message.reason, values)

    def _show_pose(self, recording: ViewRecording, message: PoseWithCovarianceStamped) -> None:
        recording.log_pose(matrix_from_pose(message.pose.pose))

    def _show_points(self, recording: ViewRecording, message: PointCloud2) -> None:
        points = points_of(message)
        chosen = points[:: max(1, math.ceil(len(points) / MAX_POINTS))]
        recording.log_map(chosen["position"].astype(float), chosen["stability"].astype(float))

    def _show_markers(self, recording: ViewRecording, message: MarkerArray) -> None:
        segments = {"camera": [np.zeros((0, 2, 3))], "matches": [np.zeros((0, 2, 3))]}
        inliers = [np.zeros((0, 3))]
        for marker in message.markers:
            points = _points_in_map(marker)
            if marker.ns in segments and marker.type == Marker.LINE_LIST:
                segments[marker.ns].append(points[: len(points) // 2 * 2].reshape(-1, 2, 3))
            elif marker.ns == "inliers":
                inliers.append(points)
        if message.markers:
            recording.set_time(stamp_ns(message.markers[0].header.stamp))
        recording.log_cameras(segments["camera"])
        recording.log_inliers(np.concatenate(inliers), np.concatenate(segments["matches"]))

    def _show_drawing(self, recording: ViewRecording, message: Image) -> None:
        pixels = decode_image(message)
        encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        recording.log_image(encoded.tobytes())


def points_of(message: PointCloud2) -> NDArray[np.void]:
    """Return the points of `~/map_points`.

    Raises:
        MessageError: the cloud has another layout, or fewer bytes than points.
    """
    size, expected = len(message.data), message.width * message.height * POINT.itemsize
    if message.point_step != POINT.itemsize or size != expected:
        raise MessageError(
            f"point cloud has {size} bytes in points of {message.point_step}; expected {expected} bytes in points of "
            f"{POINT.itemsize}, as localizer_node publishes on ~/map_points"
        )
    return np.frombuffer(bytes(message.data), dtype=POINT)


def _points_in_map(marker: Marker) -> NDArray[np.float64]:
    """Return the points of a marker in its header's frame, (N, 3)."""
    pose = matrix_from_pose(marker.pose)
    points = np.array([(point.x, point.y, point.z) for point in marker.points]).reshape(-1, 3)
    return points @ pose[:3, :3].T + pose[:3, 3]


def file_to_write(name: str) -> Path | None:
    """Return the file that a user named, once it is known that it can be written; None for none.

    Raises:
        ConfigError: it exists, its folder does not, or its suffix is another.
    """
    if not name:
        return None
    path = Path(name).expanduser()
    if path.suffix != ".rrd" or path.exists() or not path.parent.is_dir():
        raise ConfigError(
            f"setting 'save' is {name!r}; it must be a new file with the suffix .rrd in a folder that exists"
        )
    return path


def main(arguments: list[str] | None = None) -> int:
    """Run view_node and return its exit code."""
    return run_nodes([ViewNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
