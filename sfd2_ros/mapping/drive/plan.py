# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The way of a drive from above, before and after the optimisation, with the loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_ros.mapping.drive.rig_model import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.mapping.drive.optimise import OptimisedDrive

_SIZE_PX, _MARGIN_PX, _LEGEND_PX = 1000, 40, 180
"""Of the image: a page's width, with room for the legend on the left."""
_BEFORE, _AFTER, _LOOP, _REJECTED, _TEXT = (150, 150, 150), (190, 90, 20), (60, 160, 60), (215, 215, 250), (40, 40, 40)
"""Blue, green, red, as OpenCV has them: grey, blue, green, pale red, black. Hundreds of rejected loops are usual: in a
strong colour they would hide the way."""


def draw_plan(found: OptimisedDrive) -> bytes:
    """Return a PNG: odometry in grey, the result in blue, loops in green, rejected ones in pale red."""
    start = found.poses[0] @ np.linalg.inv(found.before[0])
    before, after = positions([start @ pose for pose in found.before])[:, :2], positions(found.poses)[:, :2]
    both = np.vstack([before, after])
    middle = (both.min(axis=0) + both.max(axis=0)) / 2
    free = np.array([_SIZE_PX - _LEGEND_PX, _SIZE_PX]) - 2.0 * _MARGIN_PX
    scale = float(np.min(free / np.maximum(np.ptp(both, axis=0), 1.0)))
    image = np.full((_SIZE_PX, _SIZE_PX, 3), 255, np.uint8)

    def pixels(places: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return (N, 2) pixels of places (N, 2) in the map."""
        right, up = ((places - middle) * scale).T
        return np.column_stack([(_SIZE_PX + _LEGEND_PX) / 2 + right, _SIZE_PX / 2 - up]).round().astype(np.int32)

    own = pixels(after)
    for loop in sorted(found.loops, key=lambda one: not one.rejected):
        ends = own[loop.pose.first], own[loop.pose.second]
        colour = _REJECTED if loop.rejected else _LOOP
        cv2.line(image, _point(ends[0]), _point(ends[1]), colour, 1, cv2.LINE_AA)
    cv2.polylines(image, [pixels(before)], isClosed=False, color=_BEFORE, thickness=2, lineType=cv2.LINE_AA)
    cv2.polylines(image, [own], isClosed=False, color=_AFTER, thickness=2, lineType=cv2.LINE_AA)
    _legend(image, scale)
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def _point(place: NDArray[np.int32]) -> tuple[int, int]:
    return int(place[0]), int(place[1])


def _legend(image: Any, scale: float) -> None:
    entries = [("odometry", _BEFORE), ("optimised", _AFTER), ("loop", _LOOP), ("rejected loop", _REJECTED)]
    for row, (text, colour) in enumerate(entries):
        place = (20, 25 + 22 * row)
        cv2.line(image, place, (place[0] + 30, place[1]), colour, 2)
        cv2.putText(image, text, (60, place[1] + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    metres = 10.0 ** np.floor(np.log10(_SIZE_PX / 2 / scale))
    end = (20 + round(metres * scale), _SIZE_PX - 20)
    cv2.line(image, (20, _SIZE_PX - 20), end, _TEXT, 2)
    cv2.putText(image, f"{metres:g} m", (20, _SIZE_PX - 28), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
