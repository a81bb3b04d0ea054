# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records the poses and statuses of a localizer node by image stamp."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import rclpy
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from sfd2_ros.msg import LocalizationStatus

from sfd2_ros.bags.read_poses import matrix_from_pose, stamp_ns
from sfd2_ros.ros.participant import participant
from sfd2_ros.ros.qos import reliable

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

_QUEUE = 1000


class PoseRecorder:
    """Keeps every ~/pose and ~/status of a localizer node; use it as a context manager.

    Args:
        localizer: full name of the node.

    Attributes:
        poses: map_from_base (4, 4) by the stamp of the image, nanoseconds.
        statuses: (stamp in nanoseconds, status, latency in seconds), as they came.
    """

    def __init__(self, localizer: str = "/localizer_node") -> None:
        self.poses: dict[int, NDArray[np.float64]] = {}
        self.statuses: list[tuple[int, str, float]] = []
        self._context = participant()
        self._node = rclpy.create_node("pose_recorder", context=self._context)
        self._node.create_subscription(PoseWithCovarianceStamped, f"{localizer}/pose", self._on_pose, reliable(_QUEUE))
        self._node.create_subscription(LocalizationStatus, f"{localizer}/status", self._on_status, reliable(_QUEUE))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.try_shutdown()
        self._thread.join()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        self.poses[stamp_ns(message.header.stamp)] = matrix_from_pose(message.pose.pose)

    def _on_status(self, message: LocalizationStatus) -> None:
        self.statuses.append((stamp_ns(message.header.stamp), str(message.status), float(message.latency_s)))
