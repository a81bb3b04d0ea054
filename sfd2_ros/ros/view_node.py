# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""view_node: what the nodes say, live in a browser, for machines without rviz."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import Image, PointCloud2

from sfd2_ros.bags.image_messages import decode_image
from sfd2_ros.bags.read_poses import matrix_from_pose
from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import ImageError
from sfd2_ros.msg import LocalizationStatus
from sfd2_ros.ros.managed_node import ManagedNode, run_nodes
from sfd2_ros.ros.qos import latched, newest_only, reliable
from sfd2_ros.ros.view_server import ViewServer

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_POINTS = 20_000
JPEG_QUALITY = 80
STATES = ("UNINITIALIZED", "RELOCALIZING", "TRACKING", "LOST")


@dataclass(frozen=True)
class ViewNodeConfig:
    """Settings of view_node."""

    autostart: bool = setting(True, "Configure and activate at start; false: wait for a lifecycle manager.")
    host: str = setting("127.0.0.1", "Address to listen on; 127.0.0.1: this machine alone, 0.0.0.0: every network.")
    port: int = setting(8080, "Port of the page; 0 takes a free one.", minimum=0, maximum=65535)
    camera: str = setting("camera", "Camera whose annotated images are shown.")
    localizer: str = setting("localizer_node", "Name of the localizer node.")


class ViewNode(ManagedNode):
    """Listens to the nodes and shows what they say in a browser; asks for drawings only while somebody looks."""

    def __init__(self, ignored: Mapping[str, type[Any]] | None = None) -> None:
        super().__init__("view_node", {"": ViewNodeConfig}, ignored)
        self._server: ViewServer | None = None
        self._subscriptions_here: list[Any] = []
        self._drawings: Any = None
        self._look_timer: Any = None

    def load(self) -> None:
        """Serve the page."""
        config: ViewNodeConfig = self.settings[""]
        self._server = ViewServer(config.host, config.port)
        self.get_logger().info(f"look at http://{config.host}:{self._server.port}/")

    def start(self) -> None:
        """Subscribe."""
        name = self.settings[""].localizer
        self._subscriptions_here = [
            self.create_subscription(LocalizationStatus, f"{name}/status", self._on_status, reliable()),
            self.create_subscription(PoseWithCovarianceStamped, f"{name}/pose", self._on_pose, reliable()),
            self.create_subscription(PointCloud2, f"{name}/map_points", self._on_points, latched()),
        ]
        self._look_timer = self.create_timer(0.5, self._look)

    def stop(self) -> None:
        """Unsubscribe."""
        for subscription in (*self._subscriptions_here, self._drawings):
            if subscription is not None:
                self.destroy_subscription(subscription)
        if self._look_timer is not None:
            self.destroy_timer(self._look_timer)
        self._subscriptions_here, self._drawings, self._look_timer = [], None, None

    def unload(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def _look(self) -> None:
        """Subscribe to drawings while a browser is there: they cost the feature node time."""
        wanted = self._server is not None and self._server.viewers > 0
        if wanted and self._drawings is None:
            topic = f"{self.settings[''].camera}/features/image"
            self._drawings = self.create_subscription(Image, topic, self._on_drawing, newest_only("reliable"))
        elif not wanted and self._drawings is not None:
            self.destroy_subscription(self._drawings)
            self._drawings = None

    def _on_status(self, message: LocalizationStatus) -> None:
        numbers = {
            "inliers": message.num_inliers,
            "matches": message.num_matches,
            "keypoints": message.num_keypoints,
            "error_px": message.reprojection_error_px,
            "latency_s": message.latency_s,
            "stddev_m": message.position_stddev_m,
            "localized": message.frames_localized,
            "refused": message.frames_refused,
            "dropped": message.frames_dropped + message.images_dropped,
        }
        news = {
            "kind": "status",
            "state": STATES[message.state],
            "status": message.status,
            "reason": message.reason,
            **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        }
        self._send("status", news)

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        pose = matrix_from_pose(message.pose.pose)
        place, ahead, left = (pose[:3, column].tolist() for column in (3, 0, 1))
        self._send("pose", {"kind": "pose", "place": place, "ahead": ahead, "left": left})

    def _on_points(self, message: PointCloud2) -> None:
        values = np.frombuffer(message.data, dtype="<f4").reshape(-1, 4)
        chosen = values[:: max(1, math.ceil(len(values) / MAX_POINTS))]
        self._send("map", {"kind": "map", "points": np.round(chosen.astype(float), 2).tolist()})

    def _on_drawing(self, message: Image) -> None:
        try:
            pixels = decode_image(message)
        except ImageError as err:
            self.get_logger().warning(f"drawing not shown: {err}", throttle_duration_sec=5.0)
            return
        data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        if self._server is not None:
            self._server.send("image", data.tobytes())

    def _send(self, kind: str, news: dict[str, Any]) -> None:
        if self._server is not None:
            self._server.send(kind, json.dumps(news))


def main(arguments: list[str] | None = None) -> int:
    """Run view_node and return its exit code."""
    return run_nodes([ViewNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
