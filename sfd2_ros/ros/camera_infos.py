# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera_info messages of a running camera, for a thread that works on its images."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sfd2_ros.bags.calibrations import LIVE_CHANGES, CalibrationHistory
from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo

_RESTART_NS = NS_PER_S
"""Stamps that go back by more begin a new recording, as in `synchroniser`; less is a late message."""


class CameraInfos:
    """Holds what a camera has published, and waits for what is on its way."""

    def __init__(self) -> None:
        self._heard = threading.Condition()
        self._history = CalibrationHistory(max_changes=LIVE_CHANGES)
        self._come_with_images = False

    def add(self, message: CameraInfo, received_ns: int) -> None:
        """Take a message; `received_ns`, on the node's clock, stands in for a stamp of 0."""
        with self._heard:
            newest_ns, time_ns = self._history.newest_ns, stamp_ns(message.header.stamp) or received_ns
            if newest_ns is not None and time_ns < newest_ns - _RESTART_NS:
                self._history = CalibrationHistory(max_changes=LIVE_CHANGES)  # time jumped back: a bag in a loop
            self._history.add(message, received_ns)
            self._heard.notify_all()

    def wait_for(self, image_ns: int, timeout_s: float) -> Any:
        """Return the camera_info at the stamp of an image, or the last one before it.

        The first camera_info is waited for. Later on, that of an image is waited for while the camera publishes one
        with the stamp of each image: it may come after the image, and differ from the last one.

        Args:
            image_ns: stamp of the image; 0: the newest camera_info is returned.
            timeout_s: longest wait.

        Returns:
            The message; None where none came.

        Raises:
            CameraError: the image is older than the first of several calibrations.
        """
        with self._heard:
            self._heard.wait_for(lambda: self._has_for(image_ns), timeout_s)
            newest_ns = self._history.newest_ns
            if newest_ns is None:
                return None
            self._come_with_images = self._history.is_of(image_ns)
            return self._history.at(image_ns or newest_ns)

    def _has_for(self, image_ns: int) -> bool:
        newest_ns = self._history.newest_ns
        return newest_ns is not None and (not self._come_with_images or newest_ns >= image_ns)
