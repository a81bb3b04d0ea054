# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CameraInfo messages to cameras, with what a driver's cropping and binning does to the intrinsics."""

from __future__ import annotations

from typing import Any

from sfd2_ros.core.calibration import distortion_from_calibration
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera


def camera_from_message(message: Any, image_size: tuple[int, int], *, rectified: bool = False) -> Camera:
    """Make the camera of the images that come with a CameraInfo.

    Args:
        message: a sensor_msgs/CameraInfo, of rclpy or of a bag: the calibration of the full sensor, with the binning
            and region of interest of the images (REP 104).
        image_size: (h, w) of the image that it came with, in pixels.
        rectified: the images were rectified (image_rect), so P holds for them, without distortion, and K does not.

    Returns:
        Intrinsics of that image: shifted by the region of interest, then scaled by the binning, each about the
        outer edge of the first pixel.

    Raises:
        CameraError: not calibrated, a distortion model that is not supported, a skewed K, or a size that is not that of
            the image.
    """
    fx, fy, cx, cy = _pinhole(message, rectified=rectified)
    left, top, width, height = _region(message)
    bin_x, bin_y = max(int(message.binning_x), 1), max(int(message.binning_y), 1)
    expected = (height // bin_y, width // bin_x)
    if expected != tuple(image_size):
        raise CameraError(
            f"image is {image_size[1]}x{image_size[0]}, but camera_info stands for {expected[1]}x{expected[0]} (sensor "
            f"{message.width}x{message.height}, region {width}x{height}, binning {bin_x}x{bin_y}); publish the "
            "camera_info of these images"
        )
    model, distortion = ("none", ()) if rectified else distortion_from_calibration(message.distortion_model, message.d)
    return Camera(
        width=expected[1],
        height=expected[0],
        fx=fx / bin_x,
        fy=fy / bin_y,
        cx=(cx - left + 0.5) / bin_x - 0.5,
        cy=(cy - top + 0.5) / bin_y - 0.5,
        distortion_model=model,
        distortion=distortion,
    )


def _pinhole(message: Any, *, rectified: bool) -> tuple[float, float, float, float]:
    """Return fx, fy, cx, cy of the full sensor from K, or from P of rectified images."""
    name, matrix, stride = ("P", message.p, 4) if rectified else ("K", message.k, 3)
    if matrix[0] == 0.0:
        raise CameraError(
            f"camera_info of frame {message.header.frame_id!r} is not calibrated ({name}[0] is 0); calibrate the "
            "camera, or give its driver the calibration file"
        )
    if matrix[1] != 0.0:
        raise CameraError(
            f"camera_info has a skewed {name} ({name}[1] is {matrix[1]!r}); only cameras without skew are known"
        )
    return float(matrix[0]), float(matrix[stride + 1]), float(matrix[2]), float(matrix[stride + 2])


def _region(message: Any) -> tuple[int, int, int, int]:
    """Return left, top, width, height of the part of the sensor that was read, in unbinned pixels."""
    roi = message.roi
    if roi.width == 0 and roi.height == 0:  # the message's way to say: the whole sensor
        return 0, 0, int(message.width), int(message.height)
    inside = roi.x_offset + roi.width <= message.width and roi.y_offset + roi.height <= message.height
    if roi.width == 0 or roi.height == 0 or not inside:
        raise CameraError(
            f"camera_info has a region of interest {roi.width}x{roi.height} at ({roi.x_offset}, {roi.y_offset}) that "
            f"is not within its sensor of {message.width}x{message.height} pixels"
        )
    return int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)
