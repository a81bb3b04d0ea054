# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A robot that can also be broken: a clock that jumps, a listener that never listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rclpy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from sfd2_ros.msg import LocalFeatures, LocalizationStatus

from sfd2_lab.bench.players.drive_player import DrivePlayer
from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.ros.conversions.cameras import message_from_camera
from sfd2_ros.ros.conversions.images import image_message
from sfd2_ros.ros.conversions.poses import header_at
from sfd2_ros.ros.participant import participant
from sfd2_ros.ros.qos import newest_only, reliable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.bench.players.drive_player import FrameNames
    from sfd2_ros.core.types import Camera


class FaultPlayer(DrivePlayer):
    """A player with the means to break things; takes the arguments of `DrivePlayer`."""

    def __init__(self, localizer: str, tolerance_ns: int, names: FrameNames | None = None) -> None:
        super().__init__(localizer, tolerance_ns, names)
        self._clock = self._node.create_publisher(Clock, "/clock", newest_only("reliable"))
        self._deaf: tuple[Any, Any] | None = None
        self._beside: dict[str, tuple[Any, Any]] = {}
        self._localizer = localizer

    def publish_clock(self, time_ns: int) -> None:
        """Set the time of nodes with use_sim_time."""
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(time_ns, NS_PER_S)
        self._clock.publish(message)

    def publish_beside(self, camera_name: str, image: NDArray[np.uint8], camera: Camera, time_ns: int) -> None:
        """Publish an image (H, W, 3) and its intrinsics as another camera, mounted where the first is."""
        if camera_name not in self._beside:
            profile = newest_only("reliable")
            # Two participants, for the reason that `participant` gives.
            self._beside[camera_name] = (
                self._camera_driver.create_publisher(Image, f"{camera_name}/image_raw", profile),
                self._node.create_publisher(CameraInfo, f"{camera_name}/camera_info", profile),
            )
        images, infos = self._beside[camera_name]
        info = message_from_camera(camera)
        info.header = header_at(time_ns, self._names.camera_frame)
        infos.publish(info)
        images.publish(image_message(image, info.header))

    def subscribe_and_never_listen(self) -> None:
        """Subscribe reliably to features, drawings and statuses, in a process part that never takes a message."""
        context = participant()
        node = rclpy.create_node("deaf", context=context)
        camera = self._names.camera
        topics = ((LocalFeatures, "features"), (Image, "features/image"))
        for kind, topic in topics:
            node.create_subscription(kind, f"{camera}/{topic}", _ignore, reliable(1))
        node.create_subscription(LocalizationStatus, f"{self._localizer}/status", _ignore, reliable(1))
        self._deaf = (node, context)

    def unsubscribe(self) -> None:
        """End what `subscribe_and_never_listen` began."""
        if self._deaf is not None:
            node, context = self._deaf
            node.destroy_node()
            context.try_shutdown()
        self._deaf = None

    def close(self) -> None:
        """Leave the network."""
        self.unsubscribe()
        super().close()


def _ignore(_message: Any) -> None:
    """Take a message; never called, for nobody spins."""
