# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features to LocalFeatures messages and back.

rclpy copies an `array.array` in one go and anything else value by value: 2,048 descriptors of 128 values take under
1 ms this way, and 8 ms as a list.

Descriptors travel as int8. Each is scaled to its own largest component, so the rounding is as fine as int8 allows, and
no scale has to travel: a descriptor has length one.
"""

from __future__ import annotations

import array
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.core.errors import MessageError
from sfd2_ros.core.types import Camera, Features
from sfd2_ros.ros.conversions.cameras import message_from_camera

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from std_msgs.msg import Header

    from sfd2_ros.msg import LocalFeatures

STATUS_OK = "ok"
MAX_KEYPOINTS = 65_536
"""As many as `extractor.max_keypoints` allows; a million take gigabytes and minutes in matching."""

MAX_DIMENSION = 1024
"""Four times the longest descriptor of common features."""

_LARGEST = 127
"""Magnitude of the largest component of a descriptor on the wire: what int8 holds on both sides."""


def message_from_features(features: Features, camera: Camera, header: Header) -> LocalFeatures:
    """Make the message of one image's features; stamp and frame are those of the image."""
    from sfd2_ros.msg import LocalFeatures  # noqa: PLC0415  generated; reading messages works without

    message = LocalFeatures(header=header, status=STATUS_OK)
    fill_message(message, features, camera)
    return message


def fill_message(message: LocalFeatures, features: Features, camera: Camera) -> None:
    """Write features and intrinsics into a message that has its header."""
    message.weights_id = features.weights_id
    message.camera_info = message_from_camera(camera)
    message.camera_info.header = message.header
    message.height, message.width = features.image_size
    message.dimension = features.descriptors.shape[1]
    message.keypoints = _as_array("f", features.keypoints.astype(np.float32))
    message.scores = _as_array("f", features.scores.astype(np.float32))
    message.stability = _as_array("f", features.stability.astype(np.float32))
    message.descriptors = _as_array("b", _rounded(features.descriptors))


def features_from_message(message: LocalFeatures) -> tuple[Features, Camera]:
    """Read features and the camera of their image; those handed over within a process are returned as they are.

    Raises:
        MessageError: the arrays do not fit each other, hold values that are not finite, or a descriptor is zero.
        CameraError: the intrinsics are missing, or those of another size.
    """
    handed: tuple[Features, Camera] | None = getattr(message, "handed", None)
    if handed is not None:
        return handed
    if len(message.scores) > MAX_KEYPOINTS or message.dimension > MAX_DIMENSION:
        raise MessageError(
            f"features of frame {message.header.frame_id!r}: {len(message.scores)} keypoints of dimension "
            f"{message.dimension}; at most {MAX_KEYPOINTS} of dimension {MAX_DIMENSION} are allowed"
        )
    scores = np.array(message.scores, dtype=np.float32)
    count, dimension = len(scores), int(message.dimension)
    lengths = {
        "keypoints": (len(message.keypoints), 2 * count),
        "stability": (len(message.stability), count),
        "descriptors": (len(message.descriptors), dimension * count),
    }
    for name, (found, expected) in lengths.items():
        if found != expected:
            raise MessageError(
                f"features of frame {message.header.frame_id!r}: {name} has {found} values, {expected} belong to "
                f"{count} keypoints of dimension {dimension}"
            )
    image_size = (int(message.height), int(message.width))
    try:
        features = Features(
            keypoints=np.array(message.keypoints, dtype=np.float32).reshape(count, 2),
            scores=scores,
            stability=np.array(message.stability, dtype=np.float32),
            descriptors=_directions(message),
            image_size=image_size,
            weights_id=message.weights_id,
        )
    except ValueError as err:
        raise MessageError(f"features of frame {message.header.frame_id!r} are malformed: {err}") from err
    return features, camera_from_message(message.camera_info, image_size)


def _directions(message: LocalFeatures) -> NDArray[np.float32]:
    """Return the descriptors (N, D) of a message, of length one.

    Raises:
        MessageError: one is zero.
    """
    whole = np.frombuffer(message.descriptors, dtype=np.int8).reshape(len(message.scores), message.dimension)
    rows = whole.astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    if not np.all(lengths > 0):
        raise MessageError(
            f"features of frame {message.header.frame_id!r}: descriptor {int(np.argmin(lengths))} is zero; each must "
            "have a direction"
        )
    directions: NDArray[np.float32] = rows / lengths[:, None]
    return directions


def _rounded(descriptors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return rows (N, D) as whole numbers, the largest of each row 127 or -127."""
    largest = np.abs(descriptors).max(axis=1, keepdims=True, initial=np.finfo(np.float32).tiny)
    rounded: NDArray[np.int8] = np.rint(descriptors * (_LARGEST / largest)).astype(np.int8)
    return rounded


def _as_array(typecode: str, values: NDArray[Any]) -> array.array[Any]:
    """Copy values to an array.array in row order."""
    copied: array.array[Any] = array.array(typecode)
    copied.frombytes(np.ascontiguousarray(values).tobytes())
    return copied
