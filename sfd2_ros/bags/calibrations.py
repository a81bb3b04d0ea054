# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera_info messages of one camera through time: an image has the one of its stamp, or the last before it."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.core.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterable

Calibration = tuple[Any, ...]


class CalibrationHistory:
    """Remembers the moments at which the calibration of a camera changed.

    Args:
        messages: each a sensor_msgs/CameraInfo and when it was recorded in nanoseconds, which stands in for a stamp of
            0; in any order.
    """

    def __init__(self, messages: Iterable[tuple[Any, int]]) -> None:
        changes: list[tuple[int, Any]] = []
        last: Calibration | None = None
        for time_ns, message in sorted(
            ((stamp_ns(message.header.stamp) or recorded_ns, message) for message, recorded_ns in messages),
            key=lambda pair: pair[0],
        ):
            calibration = _calibration(message)
            if calibration != last:
                changes.append((time_ns, message))
            last = calibration
        self._times_ns = [time_ns for time_ns, _ in changes]
        self._messages = [message for _, message in changes]

    def at(self, time_ns: int) -> Any:
        """Return the camera_info that holds for an image.

        Args:
            time_ns: stamp of the image.

        Raises:
            CameraError: the image is older than the first camera_info, and there are several calibrations.
        """
        if len(self._messages) == 1:  # drivers that publish it once do so when they please
            return self._messages[0]
        after = bisect.bisect_right(self._times_ns, time_ns)
        if after == 0:
            early = (self._times_ns[0] - time_ns) / NS_PER_S
            raise CameraError(
                f"the first camera_info is {early:.3f} s after the image, and later ones differ from it; record "
                "camera_info from the start"
            )
        return self._messages[after - 1]


def _calibration(message: Any) -> Calibration:
    """Return what of a message says how its images were taken."""
    roi = message.roi
    return (
        int(message.width),
        int(message.height),
        str(message.distortion_model),
        *(tuple(map(float, values)) for values in (message.d, message.k, message.p)),
        (int(message.binning_x), int(message.binning_y)),
        (int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)),
    )
