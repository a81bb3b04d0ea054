# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""RGB arrays to Image messages."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING

import numpy as np
from sensor_msgs.msg import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from std_msgs.msg import Header


def image_message(rgb: NDArray[np.uint8], header: Header) -> Image:
    """Make a sensor_msgs/Image of (H, W, 3) uint8 RGB pixels."""
    data = array.array("B")  # rclpy copies this in one go, and bytes value by value
    data.frombytes(np.ascontiguousarray(rgb).tobytes())
    height, width, depth = rgb.shape
    return Image(header=header, height=height, width=width, encoding="rgb8", step=width * depth, data=data)
