# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays the part of a robot: publishes images, intrinsics and odometry, and receives the published poses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image
from sfd2_ros.msg import LocalizationStatus
from sfd2_ros.srv import LoadMap, Relocalize
from tf2_msgs.msg import TFMessage

from sfd2_ros.bags.read_poses import matrix_from_transform, stamp_ns
from sfd2_ros.core.errors import DependencyError
from sfd2_ros.ros.conversions.cameras import message_from_camera
from sfd2_ros.ros.conversions.images import image_message
from sfd2_ros.ros.conversions.poses import header_at, transform_message
from sfd2_ros.ros.participant import participant
from sfd2_ros.ros.qos import newest_only, reliable, static_transforms, transforms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

GREETING_S = 5.0
"""How long an answer to one black image is waited for before the next is sent."""

SERVICE_S = 30.0
"""How long a service of the localizer is waited for; loading a map reads all of it."""


@dataclass(frozen=True)
class FrameNames:
    """Names of frames and topics of the played robot."""

    map: str = "map"
    odom: str = "odom"
    base: str = "base_link"
    camera_frame: str = "camera_optical"
    camera: str = "camera"


@dataclass(frozen=True, eq=False)
class OdometrySample:
    """What odometry measures at one time: odom_from_base (4, 4), metres."""

    time_ns: int
    odom_from_base: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Heard:
    """What the nodes published of one frame.

    Attributes:
        status: the message; None when none came in time.
        map_from_odom: (4, 4) of the transform broadcast for it; None when none was.
    """

    status: LocalizationStatus | None
    map_from_odom: NDArray[np.float64] | None


class DrivePlayer:
    """A node that plays a drive in lock step: the next frame waits for what the nodes publish of the last.

    Args:
        localizer: full name of the localizer node, whose ~/status is heard.
        tolerance_ns: how far TF is dated after the image, by the localizer's setting.
        names: of frames and topics.
    """

    def __init__(self, localizer: str, tolerance_ns: int, names: FrameNames | None = None) -> None:
        self._names = names = names or FrameNames()
        self._context, self._camera_context = participant(), participant()
        self._node = rclpy.create_node("drive_player", context=self._context)
        self._camera_driver = rclpy.create_node("camera_driver", context=self._camera_context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._tolerance_ns = tolerance_ns
        self._statuses: dict[int, LocalizationStatus] = {}
        self._drifts: dict[int, NDArray[np.float64]] = {}
        self.tf_messages = 0
        node = self._node
        self._images = self._camera_driver.create_publisher(Image, f"{names.camera}/image_raw", newest_only("reliable"))
        self._infos = node.create_publisher(CameraInfo, f"{names.camera}/camera_info", newest_only("reliable"))
        self._tf = node.create_publisher(TFMessage, "/tf", transforms())
        self._static_tf = node.create_publisher(TFMessage, "/tf_static", static_transforms())
        self._status_subscription = node.create_subscription(
            LocalizationStatus, f"{localizer}/status", self._on_status, reliable()
        )
        node.create_subscription(TFMessage, "/tf", self._on_transforms, transforms())
        self._relocalize = node.create_client(Relocalize, f"{localizer}/relocalize")
        self._load_map = node.create_client(LoadMap, f"{localizer}/load_map")

    def wait_for_nodes(self, timeout_s: float, check: Callable[[], None], *, is_composed: bool = False) -> None:
        """Wait until both nodes listen and speak.

        Args:
            timeout_s: seconds.
            check: called again and again; raises when waiting has become useless (a process ended).
            is_composed: both nodes are in one process, where features need no topic.

        Raises:
            DependencyError: they are not there in time.
        """
        node, names = self._node, self._names

        def is_there() -> bool:
            check()
            return bool(
                self._images.get_subscription_count() > 0
                and self._infos.get_subscription_count() > 0
                and node.count_publishers(f"{names.camera}/features") > 0
                and (is_composed or node.count_subscribers(f"{names.camera}/features") > 0)
                and node.count_publishers(self._status_subscription.topic_name) > 0
                and self._tf.get_subscription_count() > 1  # the localizer's, beside our own
                and self._static_tf.get_subscription_count() > 0
            )

        if not self._spin_until(is_there, timeout_s):
            raise DependencyError(
                f"the nodes did not appear on the network within {timeout_s:.0f} s; is DDS blocked on the loopback "
                "interface?"
            )

    def greet(self, camera: Camera, timeout_s: float, check: Callable[[], None]) -> None:
        """Publish black images until the nodes answer: only then has discovery ended in both directions.

        Args:
            camera: of the drive.
            timeout_s: seconds.
            check: raises when waiting has become useless.

        Raises:
            DependencyError: no answer in time.
        """
        black = np.zeros((camera.height, camera.width, 3), np.uint8)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            check()
            heard = self.play_frame(black, camera, self.now_ns(), [], GREETING_S)
            if heard.status is not None and heard.status.status != "no_camera_info":
                return
        raise DependencyError(f"the nodes are there, but answered no image within {timeout_s:.0f} s")

    def publish_mount(self, base_from_cam: NDArray[np.float64]) -> None:
        """Publish base_from_cam (4, 4), once and latched."""
        names = self._names
        edge = transform_message(self.now_ns(), names.base, names.camera_frame, base_from_cam)
        self._static_tf.publish(TFMessage(transforms=[edge]))

    def play_frame(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        time_ns: int,
        odometry: Sequence[OdometrySample],
        timeout_s: float,
    ) -> Heard:
        """Publish one frame and return what the nodes publish of it.

        Args:
            image: (H, W, 3) uint8 RGB.
            camera: its intrinsics.
            time_ns: its stamp.
            odometry: samples around that time; odometry never has just the time of an image.
            timeout_s: how long to wait for the status.
        """
        self.publish_odometry(odometry)
        self.publish_info(camera, time_ns)
        self.publish_image(image, time_ns)
        return self.hear(time_ns, timeout_s)

    def publish_odometry(self, odometry: Sequence[OdometrySample]) -> None:
        """Publish what odometry measures, on TF."""
        names = self._names
        edges = [
            transform_message(sample.time_ns, names.odom, names.base, sample.odom_from_base) for sample in odometry
        ]
        self._tf.publish(TFMessage(transforms=edges))

    def publish_info(self, camera: Camera, time_ns: int, **changes: Any) -> None:
        """Publish intrinsics; `changes` replace fields of the message."""
        info = message_from_camera(camera)
        info.header = header_at(time_ns, self._names.camera_frame)
        for field, value in changes.items():
            setattr(info, field, value)
        self._infos.publish(info)

    def publish_image(self, image: NDArray[np.uint8], time_ns: int, **changes: Any) -> None:
        """Publish an image (H, W, 3); `changes` replace fields of the message, as a broken driver does."""
        message = image_message(image, header_at(time_ns, self._names.camera_frame))
        for field, value in changes.items():
            setattr(message, field, value)
        self._images.publish(message)

    def hear(self, time_ns: int, timeout_s: float) -> Heard:
        """Wait for what the nodes publish of the frame with a stamp."""
        self._spin_until(lambda: time_ns in self._statuses, timeout_s)
        status = self._statuses.pop(time_ns, None)
        if status is not None and status.status == "localized":
            # Another topic: it may come after the status that was published after it.
            self._spin_until(lambda: time_ns in self._drifts, timeout_s)
        return Heard(status, self._drifts.pop(time_ns, None))

    def relocalize(self) -> str:
        """Have the localizer forget where the robot is; return its answer."""
        return self._call(self._relocalize, Relocalize.Request())[1]

    def load_map(self, path: str) -> tuple[bool, str]:
        """Have the localizer load a map; return whether it did, and its answer."""
        return self._call(self._load_map, LoadMap.Request(path=path))

    def now_ns(self) -> int:
        """Return the time of the node's clock."""
        return int(self._node.get_clock().now().nanoseconds)

    def close(self) -> None:
        """Leave the network."""
        self._executor.shutdown()
        for node, context in ((self._node, self._context), (self._camera_driver, self._camera_context)):
            node.destroy_node()
            context.try_shutdown()

    def _call(self, client: Any, request: Any) -> tuple[bool, str]:
        """Call a service of the localizer.

        Raises:
            DependencyError: no answer in time.
        """
        self._spin_until(client.service_is_ready, SERVICE_S)
        future = client.call_async(request)
        if not self._spin_until(future.done, SERVICE_S):
            raise DependencyError(f"{client.srv_name} gave no answer within {SERVICE_S:.0f} s")
        return bool(future.result().success), str(future.result().message)

    def _spin_until(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not is_done():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def _on_status(self, message: LocalizationStatus) -> None:
        self._statuses[stamp_ns(message.header.stamp)] = message

    def _on_transforms(self, message: TFMessage) -> None:
        for edge in message.transforms:
            if (edge.header.frame_id, edge.child_frame_id) == (self._names.map, self._names.odom):
                self.tf_messages += 1
                time_ns = stamp_ns(edge.header.stamp) - self._tolerance_ns
                self._drifts[time_ns] = matrix_from_transform(edge.transform)
