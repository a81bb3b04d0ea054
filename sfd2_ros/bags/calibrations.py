# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera_info messages of one camera through time: an image has the one of its stamp, or the last before it."""

from __future__ import annotations

import bisect
from collections import deque
from typing import TYPE_CHECKING, Any

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.core.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterable

Calibration = tuple[Any, ...]

LIVE_CHANGES = 1000
"""Changes that a running node remembers: half a minute of a lens that is focused for each image."""
_RECENT = 100
"""Stamps that are known to have a camera_info of their own: some seconds of any camera."""


class CalibrationHistory:
    """Remembers the moments at which the calibration of a camera changed.

    Args:
        messages: each a sensor_msgs/CameraInfo and when it was recorded in nanoseconds, which stands in for a stamp of
            0; in any order.
        max_changes: the oldest are forgotten; None: none.
    """

    def __init__(self, messages: Iterable[tuple[Any, int]] = (), *, max_changes: int | None = None) -> None:
        self._max_changes = max_changes
        self._times_ns: list[int] = []
        self._messages: list[Any] = []
        self._recent_ns: deque[int] = deque(maxlen=_RECENT)
        self.newest_ns: int | None = None
        """Stamp of the newest message; None before the first."""
        for message, recorded_ns in sorted(messages, key=lambda pair: stamp_ns(pair[0].header.stamp) or pair[1]):
            self.add(message, recorded_ns)

    def add(self, message: Any, received_ns: int) -> None:
        """Add a message, later than those before; `received_ns` stands in for a stamp of 0."""
        time_ns = stamp_ns(message.header.stamp) or received_ns
        self._recent_ns.append(time_ns)
        self.newest_ns = time_ns if self.newest_ns is None else max(self.newest_ns, time_ns)
        place = bisect.bisect_right(self._times_ns, time_ns)
        calibration = _calibration(message)
        if place > 0 and _calibration(self._messages[place - 1]) == calibration:
            return
        if place < len(self._messages) and _calibration(self._messages[place]) == calibration:
            self._times_ns[place] = time_ns  # it held before it was first heard
            return
        self._times_ns.insert(place, time_ns)
        self._messages.insert(place, message)
        if self._max_changes is not None and len(self._messages) > self._max_changes:
            del self._times_ns[0], self._messages[0]

    def is_of(self, time_ns: int) -> bool:
        """Return whether one of the last messages has the stamp of an image."""
        return time_ns in self._recent_ns

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
                f"the first camera_info is {early:.3f} s after the image, and later ones differ from it; publish "
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
