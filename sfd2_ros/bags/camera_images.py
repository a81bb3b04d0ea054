# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag with the camera of their stamp: decoded, counted where that fails, and written as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

from sfd2_ros.bags.calibrations import CalibrationHistory
from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.bags.image_messages import decode_compressed_image, decode_image, image_size
from sfd2_ros.bags.image_topics import IMAGE_TYPES
from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.core.errors import CameraError, ImageError
from sfd2_ros.core.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.bags.reader import BagMessage, BagReader
    from sfd2_ros.core.types import Camera


def read_calibrations(bag: BagReader, infos: Mapping[str, str]) -> dict[str, CalibrationHistory]:
    """Return the calibrations of image topics, given the camera_info topic of each."""
    return {
        topic: CalibrationHistory((bag.decode(message), message.time_ns) for message in bag.messages([info]))
        for topic, info in infos.items()
    }


def image_name(topic: str, time_ns: int) -> str:
    """Return the name of an image's file: <topic>/<stamp in nanoseconds>.png."""
    return f"{topic.strip('/').replace('/', '_')}/{time_ns}.png"


def write_image(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write an image (h, w, 3) as PNG."""
    write_bytes(path, cv2.imencode(".png", rgb[..., ::-1])[1].tobytes())


class CameraImages:
    """Decodes images and finds their cameras; counts what fails.

    Args:
        calibrations: by image topic.

    Attributes:
        without_camera: images for which the camera was not calibrated, or whose camera_info does not fit them.
        unreadable: images that could not be decoded.
        problem: why the last image that failed did.
        camera_problems: by topic, why the first image without a camera has none.
    """

    def __init__(self, calibrations: Mapping[str, CalibrationHistory]) -> None:
        self._calibrations = calibrations
        self.without_camera = self.unreadable = 0
        self.problem = ""
        self.camera_problems: dict[str, str] = {}

    def read(self, message: BagMessage, decoded: Any) -> tuple[NDArray[np.uint8], Camera] | None:
        """Return the image (h, w, 3) and its camera, or None."""
        is_compressed = message.type_name == IMAGE_TYPES[1]
        try:
            size = image_size(decoded, is_compressed=is_compressed)
            info = self._calibrations[message.topic].at(stamp_ns(decoded.header.stamp))
            camera = camera_from_message(info, size, rectified="image_rect" in message.topic)
            rgb = decode_compressed_image(decoded) if is_compressed else decode_image(decoded)
        except ImageError as err:
            self.unreadable, self.problem = self.unreadable + 1, str(err)
            return None
        except CameraError as err:
            self.without_camera, self.problem = self.without_camera + 1, str(err)
            self.camera_problems.setdefault(message.topic, str(err))
            return None
        return rgb, camera
