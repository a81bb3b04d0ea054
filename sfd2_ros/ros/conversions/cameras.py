# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras to CameraInfo messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import CameraInfo

if TYPE_CHECKING:
    from sfd2_ros.core.types import Camera


def message_from_camera(camera: Camera) -> CameraInfo:
    """Make the CameraInfo of a camera; the header is left to the caller."""
    message = CameraInfo()
    message.width, message.height = camera.width, camera.height
    # "none" is no name of sensor_msgs; plumb_bob without distortion is how drivers say it.
    is_none = camera.distortion_model == "none"
    message.distortion_model = "plumb_bob" if is_none else camera.distortion_model
    message.d = [0.0] * 5 if is_none else list(camera.distortion)
    message.k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [camera.fx, 0.0, camera.cx, 0.0, 0.0, camera.fy, camera.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
